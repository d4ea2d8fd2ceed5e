#include "http/engine_endpoint.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <optional>
#include <unordered_set>
#include <utility>

#include "http/engine_http.hpp"
#include "http/engine_websocket.hpp"
#include "loop/run_on.hpp"
#include "loop/suspend.hpp"

namespace carillon::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t kReadBufferBytes = 64 * 1024;
constexpr std::size_t kWriteBufferKeptBytes = 256 * 1024;
constexpr std::string_view kNoStore = "no-store";

Response plain_answer(int status, std::string body, std::string_view content_type) {
    Response response;
    response.status = status;
    response.body = std::move(body);
    response.headers.set("Content-Type", std::string{content_type});
    response.headers.set("cache-control", std::string{kNoStore});
    return response;
}

Response payload_answer(std::string body) {
    return plain_answer(200, std::move(body), "text/plain; charset=UTF-8");
}

Response empty_answer(int status) {
    Response response;
    response.status = status;
    return response;
}

Response refusal_answer(socketio::Refusal refusal) {
    Response response;
    response.status = socketio::refusal_status(refusal);
    response.body = socketio::refusal_body(refusal);
    response.headers.set("Content-Type", "application/json");
    return response;
}

Response method_refused() {
    Response response = empty_answer(405);
    response.headers.set("Allow", "GET, POST");
    return response;
}

/// A GET that is held back: the link between its coroutine and its session.
struct HeldPoll final : socketio::PollHold {
    void answer(int given_status, std::string given_body) override {
        session = nullptr;
        status = given_status;
        body = std::move(given_body);
        if (auto waiting = std::exchange(resume, nullptr)) waiting(true);
    }

    socketio::EngineSession* session = nullptr;  ///< null when answered
    int status = 0;                              ///< 0: not yet answered
    std::string body;
    loop::Resume<bool> resume;
};

/// The peer watch of a connection on another shard. Lives on the shard that owns the session.
struct ForwardedPeer final : PeerWatch {
    void on_lost(std::function<void()> handler) override {
        lost = std::move(handler);
        if (gone) tell();
    }
    void tell() {
        gone = true;
        if (auto handler = std::exchange(lost, nullptr)) handler();
    }

    std::function<void()> lost;
    bool gone = false;
};

}  // namespace

bool ConnectionBudget::try_take() {
    if (taken_.fetch_add(1, std::memory_order_relaxed) < max_ || max_ == 0) return true;
    give_back();
    return false;
}

void ConnectionBudget::give_back() {
    taken_.fetch_sub(1, std::memory_order_relaxed);
}

struct EngineEndpoint::Impl final : EngineWebSocketHost, std::enable_shared_from_this<Impl> {
    Impl(loop::Executor endpoint_executor, socketio::Server& socketio_server, const base::Clock& system,
         EngineEndpointConfig endpoint_config)
        : executor{std::move(endpoint_executor)},
          server{socketio_server},
          clock{system},
          config{std::move(endpoint_config)},
          timer{executor} {}

    // EngineWebSocketHost
    base::SteadyTime now() const override { return clock.steady_now(); }
    std::span<char> read_buffer() override { return read_bytes; }
    std::string& write_buffer() override {
        if (write_bytes.capacity() > kWriteBufferKeptBytes) write_bytes = {};
        write_bytes.clear();
        return write_bytes;
    }
    void add(EngineWebSocket& connection) override { websockets.insert(&connection); }
    void remove(EngineWebSocket& connection) override { websockets.erase(&connection); }
    void expect_end(const std::shared_ptr<EngineWebSocket>& connection) override {
        closing.push_back({now() + config.close_timeout, connection});
        schedule_flush();
    }

    void schedule_flush();
    void flush();
    void arm_timer();
    void on_timer();
    /// Why a new session cannot be had now, or empty. Takes a place of the budget when it can.
    std::string_view admit();
    std::string retry_after() const { return std::to_string(config.retry_after.count()); }
    Impl* owner_of(std::string_view sid) const;
    void close();

    static loop::Task<Response> serve(std::shared_ptr<Impl> self, Request& request, PeerWatch& peer, bool too_large);
    static loop::Task<Response> poll(std::shared_ptr<Impl> self, socketio::EngineSession* session, PeerWatch& peer);
    static loop::Task<Response> forward(Impl& owner, Request& request, PeerWatch& peer, bool too_large);
    Response open_polling(const Request& request, const EngineQuery& query);
    Response post(socketio::EngineSession& session, const Request& request, bool too_large);
    void serve_upgrade(Request request, tcp::socket socket, std::string already_read);
    void accept(const Request& request, const EngineQuery& query, socketio::EngineSession* upgraded, tcp::socket socket,
                std::string already_read);
    void hand_upgrade_to(Impl& owner, Request request, UpgradedStream stream);
    static void refuse(tcp::socket& socket, const std::string& answer);

    struct Closing {
        base::SteadyTime deadline;
        std::weak_ptr<EngineWebSocket> connection;
    };

    // Constant after construction
    const loop::Executor executor;
    socketio::Server& server;
    const base::Clock& clock;
    const EngineEndpointConfig config;
    std::vector<Impl*> siblings;  ///< by shard; constant while serving

    std::atomic<bool> draining{false};

    // Touched only on the shard's thread
    asio::steady_timer timer;
    std::optional<base::SteadyTime> armed_at;
    bool flush_scheduled = false;
    bool closed = false;
    std::deque<Closing> closing;  ///< in the order of their deadlines
    std::unordered_set<EngineWebSocket*> websockets;
    std::vector<char> read_bytes = std::vector<char>(kReadBufferBytes);
    std::string write_bytes;
};

// --- Turns and time --------------------------------------------------------------------------------------------------

void EngineEndpoint::Impl::schedule_flush() {
    if (closed || std::exchange(flush_scheduled, true)) return;
    // Behind everything that is ready now: what that emits leaves in the same write.
    asio::post(executor, [self = shared_from_this()] { self->flush(); });
}

void EngineEndpoint::Impl::flush() {
    flush_scheduled = false;
    if (closed) return;
    server.flush(now());
    arm_timer();
}

void EngineEndpoint::Impl::arm_timer() {
    std::optional<base::SteadyTime> next = server.next_deadline();
    if (!closing.empty()) next = next ? std::min(*next, closing.front().deadline) : closing.front().deadline;
    // An earlier wake-up than needed is harmless, and cheaper than moving the timer each time.
    if (!next || (armed_at && *armed_at <= *next)) return;
    armed_at = next;
    timer.expires_after(std::max(*next - now(), base::SteadyTime::duration::zero()));
    timer.async_wait([self = shared_from_this()](boost::system::error_code ec) {
        if (!ec) self->on_timer();
    });
}

void EngineEndpoint::Impl::on_timer() {
    armed_at.reset();
    if (closed) return;
    const base::SteadyTime time = now();
    server.on_time(time);
    while (!closing.empty() && closing.front().deadline <= time) {
        const auto connection = closing.front().connection.lock();
        closing.pop_front();
        if (connection) connection->abort();
    }
    flush();
}

void EngineEndpoint::Impl::close() {
    if (std::exchange(closed, true)) return;
    server.close_all("server shutting down");
    server.flush(now());
    timer.cancel();
    closing.clear();
    const std::vector<EngineWebSocket*> all{websockets.begin(), websockets.end()};
    for (EngineWebSocket* const one : all) one->abort();
    server.flush(now());
    server.on_work(nullptr);
    server.on_session_end(nullptr);
}

// --- Requests --------------------------------------------------------------------------------------------------------

std::string_view EngineEndpoint::Impl::admit() {
    if (draining || closed) return "Server is draining";
    if (config.budget && !config.budget->try_take()) return "Too many connections";
    return {};
}

EngineEndpoint::Impl* EngineEndpoint::Impl::owner_of(std::string_view sid) const {
    const auto shard = socketio::shard_of_sid(sid);
    if (!shard || *shard >= siblings.size() || siblings[*shard] == this) return nullptr;
    return siblings[*shard];
}

loop::Task<Response> EngineEndpoint::Impl::forward(Impl& owner, Request& request, PeerWatch& peer, bool too_large) {
    auto forwarded = std::make_shared<ForwardedPeer>();
    peer.on_lost([forwarded, there = owner.executor] { asio::post(there, [forwarded] { forwarded->tell(); }); });
    auto task = serve(owner.shared_from_this(), request, *forwarded, too_large);
    co_return co_await loop::run_on(owner.executor, std::move(task));
}

loop::Task<Response> EngineEndpoint::Impl::serve(std::shared_ptr<Impl> self, Request& request, PeerWatch& peer,
                                                 bool too_large) {
    if (self->closed) co_return empty_answer(503);
    const EngineQuery query{request};
    const auto verdict = socketio::judge(engine_request(request, query, false, self->config.origins), self->server);
    if (const auto* refusal = std::get_if<socketio::Refusal>(&verdict)) co_return refusal_answer(*refusal);
    if (std::holds_alternative<socketio::MethodRefused>(verdict)) co_return method_refused();
    if (const auto* to = std::get_if<socketio::PostToSession>(&verdict)) {
        co_return self->post(*to->session, request, too_large);
    }
    if (const auto* of = std::get_if<socketio::PollSession>(&verdict)) {
        co_return co_await poll(self, of->session, peer);
    }
    co_return self->open_polling(request, query);
}

Response EngineEndpoint::Impl::open_polling(const Request& request, const EngineQuery& query) {
    if (const auto reason = admit(); !reason.empty()) {
        Response response = plain_answer(503, "{\"message\":\"" + std::string{reason} + "\"}", "application/json");
        response.headers.set("Retry-After", retry_after());
        return response;
    }
    return payload_answer(server.open_polling(now(), make_handshake(request, query)).open_packet());
}

Response EngineEndpoint::Impl::post(socketio::EngineSession& session, const Request& request, bool too_large) {
    if (too_large) return empty_answer(413);
    const bool octet_stream = request.headers.get("content-type") == "application/octet-stream";
    const auto answer = session.post(now(), request.body, octet_stream);
    return answer.status == 200 ? plain_answer(200, "ok", "text/html") : empty_answer(answer.status);
}

loop::Task<Response> EngineEndpoint::Impl::poll(std::shared_ptr<Impl> self, socketio::EngineSession* session,
                                                PeerWatch& peer) {
    auto hold = std::make_shared<HeldPoll>();
    hold->session = session;
    session->poll(self->now(), *hold);
    if (hold->status == 0) {
        peer.on_lost([hold] {
            auto* const waiting = std::exchange(hold->session, nullptr);
            if (waiting == nullptr) return;
            waiting->poll_lost(*hold);
            hold->answer(400, {});
        });
        std::function<void(loop::Resume<bool>)> start = [hold](loop::Resume<bool> resume) {
            // The peer may have been lost already.
            if (hold->status != 0) return resume(true);
            hold->resume = std::move(resume);
        };
        co_await loop::suspend<bool>(start);
    }
    if (hold->status != 200) co_return empty_answer(hold->status);
    co_return payload_answer(std::move(hold->body));
}

// --- WebSocket requests ----------------------------------------------------------------------------------------------

void EngineEndpoint::Impl::refuse(tcp::socket& socket, const std::string& answer) {
    // Smaller than any socket's buffer: if it does not fit at once, nobody is reading.
    boost::system::error_code ignored;
    socket.write_some(asio::buffer(answer), ignored);
    socket.shutdown(tcp::socket::shutdown_send, ignored);
    socket.close(ignored);
}

void EngineEndpoint::Impl::serve_upgrade(Request request, tcp::socket socket, std::string already_read) {
    boost::system::error_code ignored;
    socket.non_blocking(true, ignored);
    if (closed) return refuse(socket, upgrade_refusal(503, "Server is draining"));
    const EngineQuery query{request};
    const auto verdict = socketio::judge(engine_request(request, query, true, config.origins), server);
    if (const auto* refusal = std::get_if<socketio::Refusal>(&verdict)) {
        return refuse(socket, upgrade_refusal(socketio::refusal_status(*refusal), socketio::refusal_message(*refusal)));
    }
    socketio::EngineSession* upgraded = nullptr;
    if (const auto* upgrade = std::get_if<socketio::UpgradeSession>(&verdict)) upgraded = upgrade->session;
    accept(request, query, upgraded, std::move(socket), std::move(already_read));
}

void EngineEndpoint::Impl::accept(const Request& request, const EngineQuery& query, socketio::EngineSession* upgraded,
                                  tcp::socket socket, std::string already_read) {
    const auto answer = websocket_answer(request);
    if (!answer) return refuse(socket, upgrade_refusal(426, "Upgrade Required", "Sec-WebSocket-Version: 13"));
    if (upgraded == nullptr) {
        if (const auto reason = admit(); !reason.empty()) {
            return refuse(socket, upgrade_refusal(503, reason, "Retry-After: " + retry_after()));
        }
    }
    const auto connection =
        std::make_shared<EngineWebSocket>(shared_from_this(), std::move(socket), server.config().max_payload);
    if (upgraded != nullptr) {
        upgraded->begin_upgrade(now(), *connection);
        return connection->start(*upgraded, *answer, std::move(already_read));
    }
    auto& session = server.open_websocket(now(), make_handshake(request, query), *connection);
    connection->start(session, *answer, std::move(already_read));
}

void EngineEndpoint::Impl::hand_upgrade_to(Impl& owner, Request request, UpgradedStream stream) {
    boost::system::error_code ec;
    const auto protocol = stream.socket.local_endpoint(ec).protocol();
    const int descriptor = ec ? -1 : stream.socket.release(ec);
    if (ec) return;
    auto socket = std::make_shared<tcp::socket>(owner.executor);
    socket->assign(protocol, descriptor);
    auto shared = std::make_shared<Request>(std::move(request));
    asio::post(owner.executor, [there = owner.shared_from_this(), shared, socket,
                                already_read = std::move(stream.already_read)]() mutable {
        there->serve_upgrade(std::move(*shared), std::move(*socket), std::move(already_read));
    });
}

// --- EngineEndpoint --------------------------------------------------------------------------------------------------

EngineEndpoint::EngineEndpoint(loop::Executor executor, socketio::Server& server, const base::Clock& clock,
                               EngineEndpointConfig config)
    : impl_{std::make_shared<Impl>(std::move(executor), server, clock, std::move(config))} {
    server.on_work([impl = impl_.get()] { impl->schedule_flush(); });
    server.on_session_end([budget = impl_->config.budget] {
        if (budget) budget->give_back();
    });
}

EngineEndpoint::~EngineEndpoint() {
    impl_->close();
}

bool EngineEndpoint::owns(std::string_view target) const {
    return target.starts_with(impl_->config.path);
}

std::size_t EngineEndpoint::body_bytes_max() const {
    return impl_->server.config().max_payload;
}

loop::Task<Response> EngineEndpoint::on_request(Request& request, PeerWatch& peer, bool body_too_large) {
    auto* const owner = impl_->owner_of(EngineQuery{request}.sid);
    if (owner == nullptr) return Impl::serve(impl_, request, peer, body_too_large);
    return Impl::forward(*owner, request, peer, body_too_large);
}

loop::Task<void> EngineEndpoint::on_upgrade(Request request, UpgradedStream stream) {
    // No coroutine stays behind: an open WebSocket is an object that waits for its socket, nothing else.
    if (auto* const owner = impl_->owner_of(EngineQuery{request}.sid)) {
        impl_->hand_upgrade_to(*owner, std::move(request), std::move(stream));
    } else {
        impl_->serve_upgrade(std::move(request), std::move(stream.socket), std::move(stream.already_read));
    }
    co_return;
}

void EngineEndpoint::set_siblings(std::vector<EngineEndpoint*> siblings) {
    impl_->siblings.clear();
    for (const auto* sibling : siblings) impl_->siblings.push_back(sibling->impl_.get());
}

void EngineEndpoint::drain() {
    impl_->draining = true;
}

void EngineEndpoint::close() {
    impl_->close();
}

std::size_t EngineEndpoint::websockets() const {
    return impl_->websockets.size();
}

}  // namespace carillon::http
