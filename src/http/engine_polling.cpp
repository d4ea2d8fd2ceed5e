// Polling requests: where they belong, when it is their turn, and what they are answered.
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "http/engine_shard.hpp"
#include "http/router.hpp"
#include "loop/run_on.hpp"
#include "loop/suspend.hpp"

namespace carillon::http {
namespace {

namespace asio = boost::asio;

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

/// A POST whose body is on its way. Its session is told of it, so that a second one at the same time, or its loss, is
/// known for what it is.
struct EngineShard::Upload {
    /// On the owner's thread.
    socketio::EngineSession* session() const { return owner->closed_ ? nullptr : owner->server_.find(sid); }

    const std::shared_ptr<EngineShard> owner;
    const std::string sid;
};

/// The connection's side of an upload: when it is let go before the body has come whole, the client has gone.
struct EngineShard::ExpectedBody {
    explicit ExpectedBody(std::shared_ptr<Upload> begun) : upload{std::move(begun)} {}
    ~ExpectedBody() {
        // When the body was handed on this comes behind it, and finds nothing to do.
        asio::post(upload->owner->executor_, [lost = upload] {
            if (auto* const session = lost->session()) session->post_lost(lost.get());
        });
    }
    ExpectedBody(const ExpectedBody&) = delete;
    ExpectedBody& operator=(const ExpectedBody&) = delete;

    const std::shared_ptr<Upload> upload;
};

std::shared_ptr<void> EngineShard::expect_body(const Request& head) {
    if (head.method != Method::post) return nullptr;
    EngineQuery query{head};
    if (query.sid.empty() || other_node(head, query.sid)) return nullptr;
    auto owner = owner_of(query.sid);
    auto upload = std::make_shared<Upload>(Upload{std::move(owner), std::move(query.sid)});
    asio::dispatch(upload->owner->executor_, [upload] {
        if (auto* const session = upload->session()) session->begin_post(upload.get());
    });
    return std::make_shared<ExpectedBody>(std::move(upload));
}

loop::Task<std::optional<Response>> EngineShard::refuse_head(std::shared_ptr<EngineShard> self, const Request& head) {
    const EngineQuery query{head};
    if (self->other_node(head, query.sid)) co_return std::nullopt;
    auto owner = self->owner_of(query.sid);
    if (owner == self) co_return self->refuse_head_here(head);
    auto task = refuse_head_there(owner, head);
    co_return co_await loop::run_on(owner->executor_, std::move(task));
}

loop::Task<std::optional<Response>> EngineShard::refuse_head_there(std::shared_ptr<EngineShard> self,
                                                                   const Request& head) {
    co_return self->refuse_head_here(head);
}

std::optional<Response> EngineShard::refuse_head_here(const Request& head) {
    if (closed_) return empty_answer(503);
    const auto verdict = socketio::judge(engine_request(head, EngineQuery{head}, false, origins_), server_);
    if (const auto* refusal = std::get_if<socketio::Refusal>(&verdict)) return refusal_answer(*refusal);
    return std::nullopt;
}

loop::Task<Response> EngineShard::serve(std::shared_ptr<EngineShard> self, Request& request, PeerWatch& peer,
                                        RawBody body) {
    const EngineQuery query{request};
    if (!self->may_be_passed_on(request)) co_return problem_response(contracts::problem_token_invalid());
    if (request.headers.has(kForwardedHeader)) {
        request.remote_address = request.headers.get(kForwardedClientHeader);  // for the log
    }
    if (auto node = self->other_node(request, query.sid)) {
        co_return co_await serve_elsewhere(self, request, std::move(*node), peer, body.too_large);
    }
    auto owner = self->owner_of(query.sid);
    if (owner == self) co_return co_await serve_here(std::move(self), request, peer, std::move(body));
    auto forwarded = std::make_shared<ForwardedPeer>();
    peer.on_lost([forwarded, there = owner->executor_] { asio::post(there, [forwarded] { forwarded->tell(); }); });
    auto task = serve_here(owner, request, *forwarded, std::move(body));
    co_return co_await loop::run_on(owner->executor_, std::move(task));
}

loop::Task<Response> EngineShard::serve_elsewhere(std::shared_ptr<EngineShard> self, Request& request, std::string node,
                                                  PeerWatch& peer, bool too_large) {
    const EngineQuery query{request};
    // Whatever is wrong with it by itself is refused here, as it would be there.
    const auto verdict = socketio::judge(engine_request(request, query, false, self->origins_), self->server_);
    if (const auto* refusal = std::get_if<socketio::Refusal>(&verdict);
        refusal != nullptr && *refusal != socketio::Refusal::unknown_sid) {
        co_return refusal_answer(*refusal);
    }
    if (request.method != Method::get && request.method != Method::post) co_return method_refused();
    if (too_large) co_return empty_answer(413);
    auto forwarding = EngineForwarder::forward(self->forwarder_, request, std::move(node), peer);
    co_return co_await std::move(forwarding);
}

loop::Task<bool> EngineShard::take_turn(std::shared_ptr<EngineShard> self, std::int64_t arrived_ns) {
    std::function<void(loop::Resume<bool>)> start = [&self, arrived_ns](loop::Resume<bool> resume) {
        self->order_->wait(arrived_ns, [resume = std::move(resume)] { resume(true); });
    };
    co_return co_await loop::suspend<bool>(start);
}

loop::Task<Response> EngineShard::serve_here(std::shared_ptr<EngineShard> self, Request& request, PeerWatch& peer,
                                             RawBody body) {
    const EngineQuery query{request};
    if (self->order_->needed() && !query.sid.empty()) co_await take_turn(self, request.arrived_ns);
    if (self->closed_) co_return empty_answer(503);
    self->catch_up();
    const auto verdict = socketio::judge(engine_request(request, query, false, self->origins_), self->server_);
    if (const auto* refusal = std::get_if<socketio::Refusal>(&verdict)) co_return refusal_answer(*refusal);
    if (std::holds_alternative<socketio::MethodRefused>(verdict)) co_return method_refused();
    if (const auto* to = std::get_if<socketio::PostToSession>(&verdict)) {
        co_return self->post(*to->session, request, body);
    }
    if (const auto* of = std::get_if<socketio::PollSession>(&verdict)) {
        co_return co_await poll(self, of->session, peer);
    }
    co_return self->open_polling(request, query);
}

Response EngineShard::open_polling(const Request& request, const EngineQuery& query) {
    if (const auto refused = admit(budget_of_address(request.remote_address).get())) {
        if (refused->status == 429) {
            return problem_response(contracts::problem_rate_limited(static_cast<int>(refused->retry_after_s),
                                                                    std::string{refused->reason} + "."));
        }
        Response response =
            plain_answer(refused->status, "{\"message\":\"" + std::string{refused->reason} + "\"}", "application/json");
        response.headers.set("Retry-After", std::to_string(refused->retry_after_s));
        return response;
    }
    return payload_answer(server_.open_polling(now(), make_handshake(request, query)).open_packet());
}

Response EngineShard::post(socketio::EngineSession& session, const Request& request, const RawBody& body) {
    const void* const announced =
        body.expected ? static_cast<ExpectedBody*>(body.expected.get())->upload.get() : nullptr;
    if (body.too_large) {
        session.post_refused(announced);
        return empty_answer(413);
    }
    const bool octet_stream = request.headers.get("content-type") == "application/octet-stream";
    const auto answer = session.post(now(), request.body, octet_stream, announced);
    return answer.status == 200 ? plain_answer(200, "ok", "text/html") : empty_answer(answer.status);
}

loop::Task<Response> EngineShard::poll(std::shared_ptr<EngineShard> self, socketio::EngineSession* session,
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

}  // namespace carillon::http
