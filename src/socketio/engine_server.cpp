#include "socketio/engine_server.hpp"

#include <algorithm>
#include <utility>

#include "socketio/client_connection.hpp"

namespace carillon::socketio {
namespace {

ServerConfig completed(ServerConfig config) {
    if (!config.sids) config.sids = std::make_shared<const SidCodec>();
    return config;
}

/// The next connection of many comes from memory while this one is written.
void prefetch(const ClientConnection& connection) {
    constexpr std::size_t kCacheLine = 64;
    const char* const begin = reinterpret_cast<const char*>(&connection);
    for (std::size_t at = 0; at < sizeof connection; at += kCacheLine) __builtin_prefetch(begin + at);
}

}  // namespace

Server::Server(ServerConfig config, Observer* observer) : config_{completed(std::move(config))}, observer_{observer} {}

Server::~Server() {
    // The application may still hold sockets; they must not look back.
    end_hook_ = nullptr;
    handshake_hook_ = nullptr;
    work_hook_ = nullptr;
    for (const auto& [sid, connection] : connections_) {
        deadlines_.remove(*connection);
        connection->orphan();
    }
}

Namespace& Server::of(std::string_view name) {
    if (const auto known = find_namespace(name)) return *known;
    return *namespaces_.emplace_back(std::make_shared<NamespaceImpl>(std::string{name}));
}

std::shared_ptr<NamespaceImpl> Server::find_namespace(std::string_view name) {
    for (const auto& one : namespaces_) {
        if (one->name() == name) return one;
    }
    return nullptr;
}

EngineSession::Sid Server::make_sid() const {
    const std::string text = config_.sids->make(config_.shard);
    EngineSession::Sid sid{};
    std::copy(text.begin(), text.end(), sid.begin());
    return sid;
}

EngineSession& Server::open_polling(base::SteadyTime now, Handshake handshake) {
    return open(now, std::move(handshake), nullptr);
}

EngineSession& Server::open_websocket(base::SteadyTime now, Handshake handshake, WebSocketLink& link) {
    EngineSession& session = open(now, std::move(handshake), &link);
    OutPacket packet = OutPacket::text(session.open_packet());
    packet.messages = 0;
    session.send(std::move(packet));
    return session;
}

EngineSession& Server::open(base::SteadyTime now, Handshake handshake, WebSocketLink* link) {
    auto made = std::make_unique<ClientConnection>(*this, make_sid(), now, std::move(handshake), link);
    ClientConnection& connection = *made;
    connections_.emplace(connection.sid(), std::move(made));
    ++open_sessions_;
    if (observer_ != nullptr) observer_->on_opened(transport_name(connection.transport()));
    if (engine_handler_) connection.end_handshake();
    rearm(connection);
    want_flush();  // the driver looks at the deadline after it
    return connection;
}

EngineSession* Server::find(std::string_view sid) {
    const auto found = connections_.find(sid);
    return found == connections_.end() ? nullptr : found->second.get();
}

void Server::close_all(std::string_view reason) {
    // Closing calls the application, which may close others: nothing is taken off the map before the flush, but be
    // safe.
    std::vector<ClientConnection*> all;
    all.reserve(connections_.size());
    for (const auto& [sid, connection] : connections_) all.push_back(connection.get());
    for (ClientConnection* const connection : all) connection->close(reason);
}

void Server::mark_timed(ClientConnection& connection) {
    connection.deadline_moved = true;
    mark_dirty(connection);
}

void Server::mark_dirty(ClientConnection& connection) {
    if (!connection.dirty) {
        connection.dirty = true;
        dirty_.push_back(&connection);
    }
    want_flush();
}

void Server::want_flush() {
    if (std::exchange(flush_wanted_, true)) return;
    if (work_hook_) work_hook_();
}

void Server::count_closed(Transport transport, std::string_view reason) {
    --open_sessions_;
    if (observer_ != nullptr) observer_->on_closed(transport_name(transport), reason);
    if (end_hook_) end_hook_();
}

void Server::release(ClientConnection& connection) {
    deadlines_.remove(connection);
    const auto found = connections_.find(connection.sid());
    if (found == connections_.end()) return;
    ended_.push_back(std::move(found->second));
    connections_.erase(found);
    want_flush();
}

void Server::rearm(ClientConnection& connection) {
    // Later than before is left for when the old deadline fires: nothing is due then, and it is set anew.
    const base::SteadyTime at = connection.deadline();
    if (at == base::SteadyTime::max()) return;
    const auto before = deadlines_.of(connection);
    if (!before || at < *before) deadlines_.set(connection, at);
}

void Server::on_time(base::SteadyTime now) {
    while (Timed* const due = deadlines_.pop_due(now)) {
        auto& connection = static_cast<ClientConnection&>(*due);
        connection.on_time(now);
        rearm(connection);
    }
}

void Server::flush(base::SteadyTime now) {
    // What a flush causes (a slow consumer's end, heard of by others) is part of it.
    while (!dirty_.empty()) {
        flushing_.swap(dirty_);
        for (std::size_t i = 0; i < flushing_.size(); ++i) {
            if (i + 1 < flushing_.size()) prefetch(*flushing_[i + 1]);
            ClientConnection& connection = *flushing_[i];
            connection.dirty = false;
            connection.flush(now);
            if (std::exchange(connection.deadline_moved, false)) rearm(connection);
        }
        flushing_.clear();
    }
    ended_.clear();
    flush_wanted_ = false;
}

}  // namespace carillon::socketio
