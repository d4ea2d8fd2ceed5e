#include "http/session.hpp"

#include <fmt/chrono.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "base/log.hpp"
#include "http/ascii.hpp"
#include "http/receive.hpp"
#include "http/response_head.hpp"
#include "http/trace_context.hpp"

namespace carillon::http {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kEarlyBytesMax = 16 * 1024;  // pipelined behind a held request
constexpr std::chrono::milliseconds kLingerTimeout{2'000};
constexpr std::chrono::milliseconds kRefusalTimeout{2'000};
constexpr std::size_t kLingerBytesMax = 16 * 1024 * 1024;

contracts::Problem transport_problem(int status, std::string detail) {
    contracts::Problem problem;
    switch (status) {
        case 408:
            problem.code = "request_timeout";
            break;
        case 413:
            return contracts::problem_payload_too_large(std::move(detail));
        case 417:
            problem.code = "expectation_failed";
            break;
        case 431:
            problem.code = "headers_too_large";
            break;
        case 501:
            problem.code = "not_implemented";
            break;
        case 505:
            problem.code = "http_version_not_supported";
            break;
        default:
            return contracts::problem_bad_request(std::move(detail));
    }
    problem.status = status;
    problem.title = reason_phrase(status);
    problem.detail = std::move(detail);
    return problem;
}

std::string address_of(const asio::ip::tcp::socket& socket) {
    boost::system::error_code ec;
    const auto endpoint = socket.remote_endpoint(ec);
    if (ec) return {};
    auto address = endpoint.address();
    // An IPv4 client of a dual-stack listener is known by its IPv4 address.
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    }
    return address.to_string();
}

void log_failure(std::string_view task, std::exception_ptr failure) {
    if (!failure) return;
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        base::log_error("an http task failed", {{"task", task}, {"error", error.what()}});
    } catch (...) {
        base::log_error("an http task failed", {{"task", task}, {"error", "not a standard exception"}});
    }
}

}  // namespace

std::string_view SessionHost::date() {
    const auto now = std::chrono::floor<std::chrono::seconds>(clock.now());
    const auto second = now.time_since_epoch().count();
    if (second != date_second_) {
        date_second_ = second;
        date_ = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(static_cast<std::time_t>(second)));
    }
    return date_;
}

bool SessionHost::evict_idle() {
    if (idle.empty() || clock.steady_now() - idle.front()->idle_since() < kIdleGrace) return false;
    router.count_evicted();
    idle.front()->close_if_idle();
    return true;
}

void Session::start(std::shared_ptr<SessionHost> host, asio::ip::tcp::socket socket, bool refuse) {
    const auto executor = socket.get_executor();
    auto session = std::make_shared<Session>(std::move(host), std::move(socket), refuse);
    auto* bare = session.get();
    asio::co_spawn(executor, bare->run(), [session = std::move(session)](std::exception_ptr failure) {
        log_failure("session", failure);
        session->close();
    });
}

Session::Session(std::shared_ptr<SessionHost> host, asio::ip::tcp::socket socket, bool refuse)
    : host_{std::move(host)}, refuse_{refuse}, remote_address_{address_of(socket)}, socket_{std::move(socket)} {
    host_->sessions.insert(this);
    ++(refuse_ ? host_->refusing : host_->open);
}

Session::~Session() {
    end_idle();
    host_->sessions.erase(this);
    if (refuse_) {
        --host_->refusing;
    } else if (!handed_over_) {
        --host_->open;
    }
}

void Session::set_deadline(std::chrono::milliseconds from_now) {
    deadline_ = host_->clock.steady_now() + from_now;
    timed_out_ = false;
}

void Session::clear_deadline() {
    deadline_ = base::SteadyTime::max();
    timed_out_ = false;
}

void Session::expire(base::SteadyTime now) {
    if (now < deadline_) return;
    deadline_ = base::SteadyTime::max();
    timed_out_ = true;
    boost::system::error_code ignored;
    socket_.cancel(ignored);
}

void Session::begin_idle() {
    idle_ = true;
    if (refuse_) return;
    idle_since_ = host_->clock.steady_now();
    host_->idle.push_back(this);
    in_idle_ = std::prev(host_->idle.end());
}

void Session::end_idle() {
    idle_ = false;
    if (in_idle_) host_->idle.erase(*in_idle_);
    in_idle_.reset();
}

void Session::close_if_idle() {
    if (!idle_) return;
    close();
    end_idle();  // it cannot be chosen again before its coroutine notices
}

void Session::close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
}

loop::Task<void> Session::run() {
    while (co_await wait_for_request()) {
        const bool go_on = co_await serve_one();
        if (!go_on) break;
        served_any_ = true;
    }
    if (answered_ && socket_.is_open()) co_await linger();
    close();
}

loop::Task<bool> Session::wait_for_request() {
    if (!inbox_.empty()) co_return true;
    if (host_->draining && served_any_) co_return false;
    std::string{}.swap(inbox_);
    begin_idle();
    const auto& config = host_->config;
    set_deadline(refuse_ ? kRefusalTimeout : served_any_ ? config.idle_timeout : config.header_timeout);
    const bool some = co_await fill();
    end_idle();
    co_return some;
}

loop::Task<bool> Session::fill() {
    while (!timed_out_ && socket_.is_open()) {
        bool some = false;
        if (take(some)) co_return false;
        if (some) co_return true;
        const auto [ec] =
            co_await socket_.async_wait(asio::ip::tcp::socket::wait_read, asio::as_tuple(asio::use_awaitable));
        if (ec) co_return false;
    }
    co_return false;
}

boost::system::error_code Session::take(bool& some) {
    const auto got = receive(socket_.native_handle(), host_->read_buffer);
    if (got.error == asio::error::would_block || got.error == asio::error::try_again) return {};
    if (got.error) return got.error;
    if (got.bytes == 0) return asio::error::eof;
    some = true;
    arrived_ns_ = got.arrived_ns;
    inbox_.append(host_->read_buffer.data(), got.bytes);
    return {};
}

loop::Task<bool> Session::serve_one() {
    request_started_ = host_->clock.steady_now();
    RequestParser parser{host_->config.header_bytes_max, host_->config.header_fields_max};
    Request& request = parser.request();
    request.remote_address = remote_address_;
    const bool has_head = co_await read_head(parser);
    if (!has_head) co_return false;
    host_->config.trusted_proxies.look_through(request);
    auto trace = continue_trace(request.headers.get("traceparent"));
    request.trace_id = std::move(trace.trace_id);
    request.traceparent = std::move(trace.traceparent);
    if (refuse_) co_return co_await send_problem(parser, contracts::problem_unavailable(1, "Too many connections."));

    const bool raw_owned = host_->raw != nullptr && host_->raw->owns(request.target);
    if (raw_owned && parser.is_websocket_upgrade()) {
        if (parser.has_body()) {
            co_return co_await send_problem(parser, contracts::problem_bad_request("A WebSocket request has no body."));
        }
        hand_over(std::move(request));
        co_return false;
    }
    RawBody body;
    const bool has_body = co_await read_body(parser, body);
    if (!has_body) co_return false;
    clear_deadline();
    request.arrived_ns = arrived_ns_;
    Response response = co_await answer(request, raw_owned, std::move(body));
    co_return co_await send(request, std::move(response), parser.is_http_1_0());
}

loop::Task<bool> Session::read_head(RequestParser& parser) {
    set_deadline(refuse_ ? kRefusalTimeout : host_->config.header_timeout);
    auto status = parser.read_head(inbox_);
    while (status == RequestParser::Status::need_more) {
        const bool more = co_await fill();
        if (!more) {
            if (timed_out_) co_await send_problem(parser, transport_problem(408, "The request came too slowly."));
            co_return false;
        }
        status = parser.read_head(inbox_);
    }
    if (status == RequestParser::Status::complete) co_return true;
    co_await send_problem(parser, transport_problem(parser.error().status, parser.error().detail));
    co_return false;
}

loop::Task<bool> Session::read_body(RequestParser& parser, RawBody& body) {
    if (!parser.has_body()) co_return true;
    Request& request = parser.request();
    const bool raw_owned = host_->raw != nullptr && host_->raw->owns(request.target);
    const auto limit = raw_owned ? host_->raw->body_bytes_max() : host_->router.body_bytes_max(request);
    auto status = RequestParser::Status::failed;
    body.too_large = parser.declares_more_than(limit);
    if (!body.too_large) {
        parser.limit_body(limit);
        set_deadline(host_->config.body_timeout);
        const bool only_head = inbox_.empty();
        const auto address = raw_owned ? host_->raw->budget_of(request) : nullptr;
        bool more = co_await pace(address);
        if (more) status = parse_body(parser, address.get());
        if (raw_owned && status == RequestParser::Status::need_more) {
            const bool refused = co_await refuse_head(parser);
            if (refused) co_return false;
            body.expected = host_->raw->expect_body(request);
        }
        if (more && parser.expects_continue() && only_head) {
            const bool sent = co_await send_text("HTTP/1.1 100 Continue\r\n\r\n");
            if (!sent) co_return false;
        }
        while (more && status == RequestParser::Status::need_more) {
            more = co_await fill();
            if (more) more = co_await pace(address);
            if (more) status = parse_body(parser, address.get());
        }
        if (!more) {
            if (timed_out_) co_await send_problem(parser, transport_problem(408, "The body came too slowly."));
            co_return false;
        }
        if (status == RequestParser::Status::complete) co_return true;
        body.too_large = parser.error().status == 413;
    }
    if (body.too_large) {
        // What follows cannot be told from a request any more.
        request.keep_alive = false;
        request.body = {};
        inbox_.clear();
        co_return true;
    }
    co_await send_problem(parser, transport_problem(parser.error().status, parser.error().detail));
    co_return false;
}

loop::Task<bool> Session::pace(std::shared_ptr<AddressBudget> address) {
    while (address && !timed_out_ && socket_.is_open()) {
        const auto pause = address->pause(host_->clock.steady_now());
        if (pause == std::chrono::milliseconds::zero()) break;
        co_await loop::sleep_for(pause);
    }
    co_return !timed_out_ && socket_.is_open();
}

RequestParser::Status Session::parse_body(RequestParser& parser, AddressBudget* address) {
    const std::size_t before = inbox_.size();
    const auto status = parser.read_body(inbox_);
    if (address != nullptr) address->spend(before - inbox_.size(), host_->clock.steady_now());
    return status;
}

loop::Task<bool> Session::refuse_head(RequestParser& parser) {
    Request& request = parser.request();
    auto refusal = co_await host_->raw->refuse_head(request);
    if (!refusal) co_return false;
    // Its body is still coming, and is not read.
    request.keep_alive = false;
    request.body = {};
    host_->router.record(request, Router::Outside::raw, refusal->status, request_started_);
    co_await send(request, std::move(*refusal), parser.is_http_1_0());
    co_return true;
}

loop::Task<Response> Session::answer(Request& request, bool raw_owned, RawBody body) {
    if (host_->cors.is_preflight(request)) {
        Response response = host_->cors.preflight_response(request);
        host_->router.record(request, Router::Outside::preflight, response.status, request_started_);
        co_return response;
    }
    if (raw_owned) co_return co_await answer_raw(request, std::move(body));
    co_return co_await host_->router.handle(request, body.too_large);
}

loop::Task<Response> Session::answer_raw(Request& request, RawBody body) {
    Response response;
    try {
        response = co_await host_->raw->on_request(request, *this, std::move(body));
    } catch (const std::exception& error) {
        base::log_error("a raw request failed", {{"trace", request.trace_id}, {"error", error.what()}});
        response = problem_response(contracts::problem_internal());
    }
    stop_watch();
    host_->router.record(request, Router::Outside::raw, response.status, request_started_);
    co_return response;
}

void Session::hand_over(Request request) {
    handed_over_ = true;
    clear_deadline();
    const auto executor = socket_.get_executor();
    auto shared = std::make_shared<Request>(std::move(request));
    UpgradedStream stream{std::move(socket_), std::move(inbox_)};
    inbox_ = {};
    auto task = host_->raw->on_upgrade(shared, std::move(stream));
    asio::co_spawn(executor, std::move(task),
                   [host = host_, shared, started = request_started_](std::exception_ptr failure, int status) {
                       log_failure("upgrade", failure);
                       --host->open;
                       host->router.record(*shared, Router::Outside::raw, failure ? 500 : status, started);
                   });
}

loop::Task<bool> Session::send_problem(RequestParser& parser, contracts::Problem problem) {
    Request& request = parser.request();
    if (request.trace_id.empty()) request.trace_id = continue_trace({}).trace_id;
    request.keep_alive = false;
    host_->router.record(request, Router::Outside::unmatched, problem.status, request_started_);
    co_return co_await send(request, problem_response(problem), parser.is_http_1_0());
}

loop::Task<bool> Session::send(Request& request, Response response, bool http_1_0) {
    host_->cors.mark(request, response);
    // Said over TLS only: a browser ignores it elsewhere (RFC 6797 section 7.2).
    if (request.over_tls) response.headers.set("Strict-Transport-Security", "max-age=31536000");
    ResponseFraming framing;
    framing.head_only = request.method == Method::head;
    framing.http_1_0 = http_1_0;
    framing.keep_alive = request.keep_alive && !response.close && !host_->draining;
    framing.date = host_->date();
    const auto head = response_head(response, framing);
    const auto body = response_body(response, framing);
    const std::array<asio::const_buffer, 2> parts{asio::buffer(head), asio::buffer(body.data(), body.size())};
    set_deadline(host_->config.body_timeout);
    answered_ = true;
    const auto [ec, sent] = co_await asio::async_write(socket_, parts, asio::as_tuple(asio::use_awaitable));
    clear_deadline();
    if (ec) close();
    co_return !ec && framing.keep_alive;
}

loop::Task<bool> Session::send_text(std::string text) {
    const auto buffer = asio::buffer(text);
    const auto [ec, sent] = co_await asio::async_write(socket_, buffer, asio::as_tuple(asio::use_awaitable));
    co_return !ec;
}

// A close with unread bytes in the socket resets the connection, and the client may lose the answer with it (RFC 9112
// section 9.6). So only the sending side is closed first, and what still comes is dropped for a while.
loop::Task<void> Session::linger() {
    boost::system::error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    set_deadline(kLingerTimeout);
    for (std::size_t dropped = 0; dropped < kLingerBytesMax;) {
        inbox_.clear();
        const bool some = co_await fill();
        if (!some) break;
        dropped += inbox_.size();
    }
    inbox_ = {};
}

void Session::on_lost(std::function<void()> lost) {
    lost_ = std::move(lost);
    if (!watching_) watch();
}

void Session::watch() {
    watching_ = true;
    socket_.async_wait(
        asio::ip::tcp::socket::wait_read,
        [self = shared_from_this(), turn = watch_turn_](boost::system::error_code ec) { self->watched(turn, ec); });
}

void Session::watched(std::uint64_t turn, boost::system::error_code ec) {
    if (turn != watch_turn_) return;
    watching_ = false;
    bool some = false;
    if (!ec) ec = take(some);
    if (!ec) {
        // A client that floods a held request is no longer watched: its bytes wait in the kernel.
        if (inbox_.size() < kEarlyBytesMax) watch();
        return;
    }
    const auto lost = std::exchange(lost_, nullptr);
    if (lost) lost();
}

void Session::stop_watch() {
    ++watch_turn_;
    lost_ = nullptr;
    if (!std::exchange(watching_, false)) return;
    boost::system::error_code ignored;
    socket_.cancel(ignored);
}

}  // namespace carillon::http
