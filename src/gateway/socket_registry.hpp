#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.hpp"
#include "socketio/server.hpp"

namespace carillon::gateway {

/// Which sockets a user has on this shard. Owned by the shard, touched only on its thread. Every operation is O(1) in
/// the number of users and sockets; a user's entry goes with the user's last socket.
class SocketRegistry {
 public:
    /// True when it is the user's first socket here. A socket id is registered once until it is unregistered.
    bool register_socket(base::UserId user, std::string socket_id, socketio::SocketPtr socket);

    struct Unregistered {
        base::UserId user;
        bool last = false;  ///< the user has no other socket here, and none on its way
    };
    /// Nullopt when it is not registered.
    std::optional<Unregistered> unregister_socket(const std::string& socket_id);

    /// A socket of the user is on its way: the user is not gone before `forget_expected`, called once for it.
    void expect(base::UserId user) { ++expected_[user]; }
    /// True when the user has no socket here and none on its way any more.
    bool forget_expected(base::UserId user);

    std::vector<socketio::SocketPtr> sockets_by_user(base::UserId user) const;
    socketio::SocketPtr find(const std::string& socket_id) const;

    /// Calls `visit(Socket&)` for each of the user's sockets and returns how many there were. `visit` may
    /// unregister any socket (one that overflows closes at once), not register one.
    template <class Visit>
    std::size_t for_each(base::UserId user, Visit&& visit) {
        const auto found = users_.find(user);
        if (found == users_.end()) return 0;
        std::size_t visited = 0;
        ++visiting_;
        // What is unregistered meanwhile leaves a null behind, and lives on until the end of the visit.
        for (const auto& socket : found->second) {
            if (!socket) continue;
            visit(*socket);
            ++visited;
        }
        --visiting_;
        if (!emptied_.empty()) sweep();
        return visited;
    }

    /// Every registered socket, for draining and for the gauges.
    template <class Visit>
    void for_all(Visit&& visit) const {
        for (const auto& [user, sockets] : users_) {
            for (const auto& socket : sockets) {
                if (socket) visit(socket);
            }
        }
    }

    std::size_t users() const { return users_.size(); }
    std::size_t sockets() const { return sockets_.size(); }

 private:
    struct Place {
        base::UserId user;
        std::size_t index = 0;  ///< in the user's vector
    };
    using Sockets = std::vector<socketio::SocketPtr>;

    void remove_at(Sockets& sockets, std::size_t index);
    void sweep();

    std::unordered_map<base::UserId, Sockets> users_;
    std::unordered_map<std::string, Place> sockets_;
    std::unordered_map<base::UserId, std::uint32_t> expected_;
    int visiting_ = 0;
    // While visiting.
    std::vector<base::UserId> emptied_;  ///< users whose vectors hold nulls
    Sockets gone_;                       ///< what was unregistered
};

}  // namespace carillon::gateway
