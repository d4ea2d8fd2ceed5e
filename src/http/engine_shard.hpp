#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "http/arrival_order.hpp"
#include "http/cors.hpp"
#include "http/engine_endpoint.hpp"
#include "http/engine_forwarder.hpp"
#include "http/engine_http.hpp"
#include "http/engine_websocket.hpp"

namespace carillon::http {

/// What stands behind an `EngineEndpoint`: one shard's driver of its `socketio::Server`. Kept alive by what it waits
/// for. Everything on the shard's thread, except what says otherwise. Internal to the room.
class EngineShard final : public EngineWebSocketHost, public std::enable_shared_from_this<EngineShard> {
 public:
    EngineShard(loop::Executor executor, socketio::Server& server, const base::Clock& clock,
                EngineEndpointConfig config);

    // Requests, from the connections of this shard.

    const EngineEndpointConfig& config() const { return config_; }
    std::size_t message_bytes_max() const { return server_.config().max_payload; }
    std::shared_ptr<AddressBudget> budget_of(const Request& head) const;
    std::shared_ptr<void> expect_body(const Request& head);
    static loop::Task<std::optional<Response>> refuse_head(std::shared_ptr<EngineShard> self, const Request& head);
    static loop::Task<Response> serve(std::shared_ptr<EngineShard> self, Request& request, PeerWatch& peer,
                                      RawBody body);
    static loop::Task<int> serve_upgrade(std::shared_ptr<EngineShard> self, std::shared_ptr<Request> request,
                                         UpgradedStream stream);

    /// By shard; before serving.
    void set_siblings(std::vector<EngineShard*> siblings);
    /// Thread: any.
    void drain() { draining_ = true; }
    void close();
    std::size_t websockets() const { return websockets_.size(); }
    std::size_t tunnels() const { return forwarder_ ? forwarder_->tunnels() : 0; }
    void end_tunnels(std::size_t count) {
        if (forwarder_) forwarder_->end_tunnels(count);
    }

    // EngineWebSocketHost
    base::SteadyTime now() const override { return clock_.steady_now(); }
    std::span<char> read_buffer() override { return read_bytes_; }
    std::string& write_buffer() override;
    void add(EngineWebSocket& connection) override { websockets_.insert(&connection); }
    void remove(EngineWebSocket& connection) override { websockets_.erase(&connection); }
    void expect_end(const std::shared_ptr<EngineWebSocket>& connection) override;
    void resume_after(std::chrono::milliseconds pause, std::shared_ptr<EngineWebSocket> connection) override;

 private:
    struct Upload;
    struct ExpectedBody;
    struct Closing {
        base::SteadyTime deadline;
        std::weak_ptr<EngineWebSocket> connection;
    };

    void schedule_flush();
    void flush();
    void arm_timer();
    void on_timer();
    /// What is due by the clock happens before what has just come in.
    void catch_up() { server_.on_time(now()); }
    struct Refused {
        int status;
        std::string_view reason;
        std::int64_t retry_after_s;
    };
    /// Why a new session cannot be had now. Takes a place of each budget when it can. `address` may be null.
    std::optional<Refused> admit(AddressBudget* address);
    Refused refuse(std::string_view counted_as, int status, std::string_view reason, std::int64_t retry_after_s) const;
    std::shared_ptr<AddressBudget> budget_of_address(std::string_view address) const;
    /// The shard that a session lives on; this one when nobody can tell.
    std::shared_ptr<EngineShard> owner_of(std::string_view sid);
    /// The node that a session lives on, when it is another one, and the request may be passed on to it.
    std::optional<std::string> other_node(const Request& request, std::string_view sid) const;
    /// False for a request that says it was passed on, without a good internal token.
    bool may_be_passed_on(const Request& request) const;

    /// On the owner's thread, as those behind it.
    static loop::Task<std::optional<Response>> refuse_head_there(std::shared_ptr<EngineShard> self,
                                                                 const Request& head);
    std::optional<Response> refuse_head_here(const Request& head);

    // Polling, on the owner's thread, but for what another node owns.
    static loop::Task<Response> serve_here(std::shared_ptr<EngineShard> self, Request& request, PeerWatch& peer,
                                           RawBody body);
    static loop::Task<Response> serve_elsewhere(std::shared_ptr<EngineShard> self, Request& request, std::string node,
                                                PeerWatch& peer, bool too_large);
    static loop::Task<bool> take_turn(std::shared_ptr<EngineShard> self, std::int64_t arrived_ns);
    static loop::Task<Response> poll(std::shared_ptr<EngineShard> self, socketio::EngineSession* session,
                                     PeerWatch& peer);
    Response open_polling(const Request& request, const EngineQuery& query);
    Response post(socketio::EngineSession& session, const Request& request, const RawBody& body);

    // WebSocket requests, on the owner's thread.
    int upgrade_here(const Request& request, boost::asio::ip::tcp::socket socket, std::string already_read);

    // Constant after construction
    const loop::Executor executor_;
    socketio::Server& server_;
    const base::Clock& clock_;
    const EngineEndpointConfig config_;
    const CorsPolicy origins_;
    const std::shared_ptr<ArrivalOrder> order_;
    const std::shared_ptr<EngineForwarder> forwarder_;  ///< null when there are no other nodes
    std::vector<EngineShard*> siblings_;                ///< by shard; constant while serving

    std::atomic<bool> draining_{false};

    // Touched only on the shard's thread
    boost::asio::steady_timer timer_;
    std::optional<base::SteadyTime> armed_at_;
    bool flush_scheduled_ = false;
    bool closed_ = false;
    std::deque<Closing> closing_;                                               ///< in the order of their deadlines
    std::multimap<base::SteadyTime, std::shared_ptr<EngineWebSocket>> paused_;  ///< by when they are read again
    std::unordered_set<EngineWebSocket*> websockets_;
    std::vector<char> read_bytes_;
    std::string write_bytes_;
};

}  // namespace carillon::http
