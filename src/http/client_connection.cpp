#include "http/client_connection.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/write.hpp>
#include <stdexcept>

#include "http/ascii.hpp"
#include "http/client.hpp"
#include "http/errc.hpp"
#include "http/request_head.hpp"
#include "http/response_parser.hpp"

namespace carillon::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t kHeadBytesMax = 64 * 1024;
constexpr std::size_t kBodyBytesMax = 16 * 1024 * 1024;
constexpr std::size_t kReadBytes = 16 * 1024;

}  // namespace

base::Result<Endpoint> parse_endpoint(std::string_view url) {
    constexpr std::string_view kSecure = "https://";
    const bool tls = equals_caseless(url.substr(0, kSecure.size()), kSecure);
    const auto parsed = parse_url(tls ? "http://" + std::string{url.substr(kSecure.size())} : std::string{url});
    if (!parsed) return parsed.error();
    if (parsed->target.find('?') != std::string::npos) return errc::bad_url;
    Endpoint endpoint{parsed->host, parsed->port, parsed->authority, parsed->target, tls};
    while (endpoint.base_path.ends_with('/')) endpoint.base_path.pop_back();
    const bool names_port = endpoint.authority.ends_with(':' + endpoint.port);
    if (tls && !names_port) endpoint.port = "443";
    return endpoint;
}

std::string request_bytes(const Endpoint& endpoint, Method method, std::string_view target, const Headers& headers,
                          std::string_view body) {
    std::string path = endpoint.base_path;
    path += target;
    std::string out = request_head(method, path, endpoint.authority, headers, body.size());
    out += body;
    return out;
}

asio::ssl::context make_tls_context(const std::string& ca_file) {
    asio::ssl::context context{asio::ssl::context::tls_client};
    context.set_default_verify_paths();
    base::ErrorCode error;
    if (!ca_file.empty()) context.load_verify_file(ca_file, error);
    if (error) throw std::invalid_argument{"cannot read certificates from " + ca_file + ": " + error.message()};
    return context;
}

ClientConnection::ClientConnection(loop::Executor executor, asio::ssl::context* tls)
    : resolver_{executor}, plain_{executor}, timer_{executor} {
    if (tls != nullptr) tls_.emplace(executor, *tls);
}

void ClientConnection::expire_after(std::chrono::milliseconds timeout) {
    timer_.expires_after(timeout);
    timer_.async_wait([weak = weak_from_this()](base::ErrorCode error) {
        const auto self = weak.lock();
        if (error || !self) return;
        self->expired_ = true;
        self->close();
    });
}

base::ErrorCode ClientConnection::reason(base::ErrorCode error) const {
    return expired_ ? make_error_code(errc::timeout) : error;
}

void ClientConnection::close() {
    resolver_.cancel();
    base::ErrorCode ignored;
    socket().close(ignored);
}

loop::Task<base::ErrorCode> ClientConnection::connect(const Endpoint& endpoint, std::chrono::milliseconds timeout) {
    const auto self = shared_from_this();
    expire_after(timeout);
    const auto [resolve_error, addresses] =
        co_await resolver_.async_resolve(endpoint.host, endpoint.port, asio::as_tuple(asio::use_awaitable));
    auto error = resolve_error;
    if (!error && !expired_) {
        const auto [connect_error, address] =
            co_await asio::async_connect(socket(), addresses, asio::as_tuple(asio::use_awaitable));
        error = connect_error;
    }
    if (!error && !expired_) {
        base::ErrorCode ignored;
        socket().set_option(tcp::no_delay{true}, ignored);
        if (tls_) {
            SSL_set_tlsext_host_name(tls_->native_handle(), endpoint.host.c_str());
            tls_->set_verify_mode(asio::ssl::verify_peer);
            tls_->set_verify_callback(asio::ssl::host_name_verification{endpoint.host});
            const auto [handshake_error] =
                co_await tls_->async_handshake(asio::ssl::stream_base::client, asio::as_tuple(asio::use_awaitable));
            error = handshake_error;
        }
    }
    timer_.cancel();
    co_return reason(error);
}

loop::Task<base::Result<Response>> ClientConnection::exchange(std::string bytes, bool head_only,
                                                              std::chrono::milliseconds timeout) {
    const auto self = shared_from_this();
    expire_after(timeout);
    keep_ = false;
    answer_began_ = false;
    base::ErrorCode write_error;
    const auto outgoing = asio::buffer(bytes);
    if (tls_) {
        const auto [error, size] = co_await asio::async_write(*tls_, outgoing, asio::as_tuple(asio::use_awaitable));
        write_error = error;
    } else {
        const auto [error, size] = co_await asio::async_write(plain_, outgoing, asio::as_tuple(asio::use_awaitable));
        write_error = error;
    }
    // A server that refuses a request may answer and close before it has read all of it: the answer still counts.
    ResponseParser parser{head_only, kHeadBytesMax, kBodyBytesMax};
    std::string inbox;
    while (true) {
        const auto held = inbox.size();
        inbox.resize(held + kReadBytes);
        const auto space = asio::buffer(inbox.data() + held, kReadBytes);
        base::ErrorCode read_error;
        std::size_t read = 0;
        if (tls_) {
            const auto [error, size] = co_await tls_->async_read_some(space, asio::as_tuple(asio::use_awaitable));
            read_error = error;
            read = size;
        } else {
            const auto [error, size] = co_await plain_.async_read_some(space, asio::as_tuple(asio::use_awaitable));
            read_error = error;
            read = size;
        }
        inbox.resize(held + read);
        answer_began_ = answer_began_ || read > 0;
        const auto whole = parser.read(inbox);
        const bool ended = read_error == asio::error::eof || read_error == asio::ssl::error::stream_truncated;
        if (!whole) {
            timer_.cancel();
            co_return whole.error();
        }
        if (*whole || (ended && parser.ends_here())) {
            timer_.cancel();
            keep_ = *whole && !read_error && !write_error && parser.keep_alive() && inbox.empty();
            co_return std::move(parser.response());
        }
        if (!read_error) continue;
        timer_.cancel();
        co_return reason(write_error ? write_error : ended ? make_error_code(errc::closed) : read_error);
    }
}

loop::Task<base::Result<std::string>> ClientConnection::ask_for_upgrade(std::string bytes, std::size_t head_bytes_max,
                                                                        std::chrono::milliseconds timeout) {
    const auto self = shared_from_this();
    expire_after(timeout);
    keep_ = false;
    auto writing = write(bytes);
    auto error = co_await std::move(writing);
    std::string inbox;
    std::array<char, 1'024> chunk;
    while (!error && inbox.find("\r\n\r\n") == std::string::npos) {
        if (inbox.size() > head_bytes_max) {
            error = errc::response_too_large;
            break;
        }
        auto reading = read_some(std::span{chunk});
        const auto size = co_await std::move(reading);
        if (!size || *size == 0) {
            error = size ? make_error_code(errc::closed) : size.error();
        } else {
            inbox.append(chunk.data(), *size);
        }
    }
    timer_.cancel();
    if (expired_ || error) co_return reason(error);
    co_return inbox;
}

loop::Task<base::Result<std::size_t>> ClientConnection::read_some(std::span<char> into) {
    const auto self = shared_from_this();
    const auto space = asio::buffer(into.data(), into.size());
    base::ErrorCode failure;
    std::size_t read = 0;
    if (tls_) {
        const auto [error, size] = co_await tls_->async_read_some(space, asio::as_tuple(asio::use_awaitable));
        failure = error;
        read = size;
    } else {
        const auto [error, size] = co_await plain_.async_read_some(space, asio::as_tuple(asio::use_awaitable));
        failure = error;
        read = size;
    }
    if (failure == asio::error::eof || failure == asio::ssl::error::stream_truncated) co_return std::size_t{0};
    if (failure) co_return failure;
    co_return read;
}

loop::Task<base::ErrorCode> ClientConnection::write(std::string_view bytes) {
    const auto self = shared_from_this();
    const auto outgoing = asio::buffer(bytes.data(), bytes.size());
    if (tls_) {
        const auto [error, size] = co_await asio::async_write(*tls_, outgoing, asio::as_tuple(asio::use_awaitable));
        co_return error;
    }
    const auto [error, size] = co_await asio::async_write(plain_, outgoing, asio::as_tuple(asio::use_awaitable));
    co_return error;
}

void ClientConnection::finish_writing() {
    base::ErrorCode ignored;
    // Over TLS the stream ends with the connection: WebSockets say goodbye by themselves.
    if (!tls_) plain_.shutdown(tcp::socket::shutdown_send, ignored);
}

bool ClientConnection::reusable() {
    if (!keep_ || expired_ || !socket().is_open()) return false;
    char byte = 0;
    const auto size = ::recv(socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace carillon::http
