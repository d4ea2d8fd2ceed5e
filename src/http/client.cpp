#include "http/client.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "http/ascii.hpp"
#include "http/request_head.hpp"
#include "http/response_parser.hpp"

namespace carillon::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t kHeadBytesMax = 64 * 1024;
constexpr std::size_t kBodyBytesMax = 16 * 1024 * 1024;
constexpr std::size_t kReadBytes = 16 * 1024;

/// What the timer of a call closes, shared with it.
struct Call {
    explicit Call(const loop::Executor& executor) : resolver{executor}, socket{executor}, timer{executor} {}

    base::ErrorCode reason(base::ErrorCode ec) const { return expired ? make_error_code(errc::timeout) : ec; }

    tcp::resolver resolver;
    tcp::socket socket;
    asio::steady_timer timer;
    bool expired = false;
};

void expire_after(const std::shared_ptr<Call>& call, std::chrono::milliseconds timeout) {
    call->timer.expires_after(timeout);
    call->timer.async_wait([call](base::ErrorCode ec) {
        if (ec) return;
        call->expired = true;
        call->resolver.cancel();
        call->socket.close(ec);
    });
}

loop::Task<base::Result<Response>> exchange(std::shared_ptr<Call> call, std::string head, std::string body,
                                            ResponseParser parser) {
    const std::array<asio::const_buffer, 2> parts{asio::buffer(head), asio::buffer(body)};
    const auto [write_ec, written] =
        co_await asio::async_write(call->socket, parts, asio::as_tuple(asio::use_awaitable));
    // A server that refuses a request may answer and close before it has read all of it: the answer still counts.
    std::string inbox;
    for (;;) {
        const auto size = inbox.size();
        inbox.resize(size + kReadBytes);
        const auto space = asio::buffer(inbox.data() + size, kReadBytes);
        const auto [ec, read] = co_await call->socket.async_read_some(space, asio::as_tuple(asio::use_awaitable));
        inbox.resize(size + read);
        const auto whole = parser.read(inbox);
        if (!whole) co_return whole.error();
        if (*whole || (ec == asio::error::eof && parser.ends_here())) co_return std::move(parser.response());
        if (ec == asio::error::eof) co_return errc::closed;
        if (ec) co_return call->reason(write_ec ? write_ec : ec);
    }
}

}  // namespace

base::Result<Url> parse_url(std::string_view url) {
    constexpr std::string_view kScheme = "http://";
    if (!equals_caseless(url.substr(0, kScheme.size()), kScheme)) return errc::bad_url;
    url.remove_prefix(kScheme.size());
    const auto bad = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == '\x7F' || c == '#'; };
    if (std::any_of(url.begin(), url.end(), bad)) return errc::bad_url;
    const auto end = std::min(url.find_first_of("/?"), url.size());
    Url out;
    out.authority = url.substr(0, end);
    out.target = url.substr(end);
    if (!out.target.starts_with('/')) out.target.insert(0, "/");
    std::string_view host = out.authority;
    std::string_view port;
    if (host.find('@') != std::string_view::npos) return errc::bad_url;
    if (host.starts_with('[')) {
        const auto bracket = host.find(']');
        if (bracket == std::string_view::npos) return errc::bad_url;
        port = host.substr(bracket + 1);
        host = host.substr(1, bracket - 1);
        if (!port.empty() && !port.starts_with(':')) return errc::bad_url;
    } else {
        const auto colon = std::min(host.find(':'), host.size());
        port = host.substr(colon);
        host = host.substr(0, colon);
    }
    if (!port.empty()) port.remove_prefix(1);
    const bool digits = port.size() <= 5 && port.find_first_not_of("0123456789") == std::string_view::npos;
    if (host.empty() || !digits) return errc::bad_url;
    out.host = host;
    out.port = port.empty() ? "80" : std::string{port};
    return out;
}

loop::Task<base::Result<Response>> request_once(std::string url, Method method, Headers headers, std::string body,
                                                std::chrono::milliseconds timeout) {
    const auto parsed = parse_url(url);
    if (!parsed) co_return parsed.error();
    const auto executor = co_await loop::this_executor();
    auto call = std::make_shared<Call>(executor);
    expire_after(call, timeout);
    const auto [resolve_ec, endpoints] =
        co_await call->resolver.async_resolve(parsed->host, parsed->port, asio::as_tuple(asio::use_awaitable));
    auto ec = resolve_ec;
    if (!ec && !call->expired) {
        const auto [connect_ec, endpoint] =
            co_await asio::async_connect(call->socket, endpoints, asio::as_tuple(asio::use_awaitable));
        ec = connect_ec;
    }
    if (ec || call->expired) {
        call->timer.cancel();
        co_return call->reason(ec);
    }
    headers.set("Connection", "close");
    auto head = request_head(method, parsed->target, parsed->authority, headers, body.size());
    ResponseParser parser{method == Method::head, kHeadBytesMax, kBodyBytesMax};
    auto answer = co_await exchange(call, std::move(head), std::move(body), std::move(parser));
    call->timer.cancel();
    co_return answer;
}

}  // namespace carillon::http
