#include "gateway/socket_registry.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace carillon::gateway {

bool SocketRegistry::register_socket(base::UserId user, std::string socket_id, socketio::SocketPtr socket) {
    assert(socket && visiting_ == 0);
    auto& sockets = users_[user];
    const auto [place, inserted] = sockets_.emplace(std::move(socket_id), Place{user, sockets.size()});
    assert(inserted);
    if (!inserted) return false;
    sockets.push_back(std::move(socket));
    return sockets.size() == 1;
}

std::optional<SocketRegistry::Unregistered> SocketRegistry::unregister_socket(const std::string& socket_id) {
    const auto found = sockets_.find(socket_id);
    if (found == sockets_.end()) return std::nullopt;
    const Place place = found->second;
    sockets_.erase(found);

    const auto user = users_.find(place.user);
    assert(user != users_.end());
    if (visiting_ > 0) {
        gone_.push_back(std::exchange(user->second[place.index], nullptr));
        emptied_.push_back(place.user);
        const bool last =
            std::none_of(user->second.begin(), user->second.end(), [](const auto& s) { return s != nullptr; });
        return Unregistered{place.user, last && !expected_.contains(place.user)};
    }
    remove_at(user->second, place.index);
    const bool last = user->second.empty();
    if (last) users_.erase(user);
    return Unregistered{place.user, last && !expected_.contains(place.user)};
}

bool SocketRegistry::forget_expected(base::UserId user) {
    const auto found = expected_.find(user);
    if (found == expected_.end()) return false;
    if (--found->second > 0) return false;
    expected_.erase(found);
    const auto sockets = users_.find(user);
    return sockets == users_.end() ||
           std::none_of(sockets->second.begin(), sockets->second.end(), [](const auto& s) { return s != nullptr; });
}

std::vector<socketio::SocketPtr> SocketRegistry::sockets_by_user(base::UserId user) const {
    const auto found = users_.find(user);
    if (found == users_.end()) return {};
    std::vector<socketio::SocketPtr> sockets;
    std::copy_if(found->second.begin(), found->second.end(), std::back_inserter(sockets),
                 [](const auto& socket) { return socket != nullptr; });
    return sockets;
}

socketio::SocketPtr SocketRegistry::find(const std::string& socket_id) const {
    const auto found = sockets_.find(socket_id);
    if (found == sockets_.end()) return nullptr;
    return users_.at(found->second.user)[found->second.index];
}

void SocketRegistry::remove_at(Sockets& sockets, std::size_t index) {
    if (index + 1 != sockets.size()) {
        sockets[index] = std::move(sockets.back());
        if (sockets[index]) sockets_.at(sockets[index]->id()).index = index;
    }
    sockets.pop_back();
}

void SocketRegistry::sweep() {
    if (visiting_ > 0) return;
    const Sockets gone = std::exchange(gone_, {});  // freed last
    for (const auto& user : std::exchange(emptied_, {})) {
        const auto found = users_.find(user);
        if (found == users_.end()) continue;
        auto& sockets = found->second;
        for (std::size_t i = sockets.size(); i-- > 0;) {
            if (!sockets[i]) remove_at(sockets, i);
        }
        if (sockets.empty()) users_.erase(found);
    }
}

}  // namespace carillon::gateway
