#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/clock.hpp"
#include "http/client_connection.hpp"
#include "http/engine_peers.hpp"
#include "http/engine_tunnel.hpp"
#include "http/raw_endpoint.hpp"

namespace carillon::http {

/// Passes requests of one shard on to the nodes that own their sessions, over connections that are kept. A polling
/// request is answered with the owner's answer; a WebSocket becomes a tunnel. When the owner is gone the client hears
/// that its session is unknown, and begins anew. Everything on the shard's thread.
class EngineForwarder final : public std::enable_shared_from_this<EngineForwarder> {
 public:
    /// Throws std::invalid_argument for a CA file that is no good. `clock` outlives it.
    EngineForwarder(loop::Executor executor, const base::Clock& clock, std::shared_ptr<const EnginePeers> peers);

    /// `request` lives until the task has ended. When its client goes meanwhile, the owner hears of it.
    static loop::Task<Response> forward(std::shared_ptr<EngineForwarder> self, Request& request, std::string node,
                                        PeerWatch& peer);
    /// Takes the connection. The status of the answer, 101 when it is a tunnel now.
    static loop::Task<int> tunnel(std::shared_ptr<EngineForwarder> self, std::shared_ptr<Request> request,
                                  std::string node, UpgradedStream stream);

    /// So many tunnels end now; their clients come back.
    void end_tunnels(std::size_t count);
    std::size_t tunnels() const { return tunnels_.size(); }
    /// Ends all that is under way.
    void close();

 private:
    struct Place {
        Endpoint endpoint;
        std::string url;
    };
    class Turn;

    static loop::Task<base::Result<Place, int>> place_of(std::shared_ptr<EngineForwarder> self, std::string node);
    std::shared_ptr<ClientConnection> take_idle(const std::string& url);
    void keep(const std::string& url, const std::shared_ptr<ClientConnection>& connection);
    /// Lets kept connections go that nobody wanted for too long: their node may be gone for good.
    void sweep_later();
    void sweep();
    std::shared_ptr<ClientConnection> new_connection(const Endpoint& endpoint);
    Headers own_headers(const Request& request) const;
    void count(std::string_view result) const;

    // Constant after construction.
    const loop::Executor executor_;
    const base::Clock& clock_;
    const std::shared_ptr<const EnginePeers> peers_;

    // Touched only on the shard's thread.
    std::optional<boost::asio::ssl::context> tls_;
    std::map<std::string, std::vector<std::shared_ptr<ClientConnection>>> idle_;  ///< by URL
    std::unordered_set<ClientConnection*> busy_;
    std::unordered_set<EngineTunnel*> tunnels_;
    boost::asio::steady_timer sweep_timer_;
    bool sweeping_ = false;  ///< the timer runs
    std::size_t under_way_ = 0;
    bool closed_ = false;
};

}  // namespace carillon::http
