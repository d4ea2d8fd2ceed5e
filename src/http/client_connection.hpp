#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/message.hpp"
#include "loop/task.hpp"

namespace carillon::http {

/// Where a connection leads.
struct Endpoint {
    std::string host;
    std::string port;
    std::string authority;
    std::string base_path;  ///< of the URL, before the target; may be empty
    bool tls = false;
};

/// `http://` or `https://`, without query. An error: `errc::bad_url`.
base::Result<Endpoint> parse_endpoint(std::string_view url);

/// A request as it goes out. Line breaks in values become spaces. A method with a body gets its Content-Length.
std::string request_bytes(const Endpoint& endpoint, Method method, std::string_view target, const Headers& headers,
                          std::string_view body);

/// The context for connections over TLS: verifies against the system's authorities, or those of a PEM file. Throws
/// std::invalid_argument for a file that is no good.
boost::asio::ssl::context make_tls_context(const std::string& ca_file);

/// One connection that carries one request after another, over TLS or not. Touched only on its executor; held by a
/// shared pointer, because its timer closes it.
class ClientConnection : public std::enable_shared_from_this<ClientConnection> {
 public:
    /// `tls` may be null for plain connections; it outlives the connection.
    ClientConnection(loop::Executor executor, boost::asio::ssl::context* tls);

    loop::Task<base::ErrorCode> connect(const Endpoint& endpoint, std::chrono::milliseconds timeout);
    /// `bytes`: the request as it goes out. After an error, or when `reusable` is false, it is of no more use.
    loop::Task<base::Result<Response>> exchange(std::string bytes, bool head_only, std::chrono::milliseconds timeout);

    /// Sends a request that asks for another protocol. All that has come once the head of the answer is whole, of at
    /// most `head_bytes_max`.
    loop::Task<base::Result<std::string>> ask_for_upgrade(std::string bytes, std::size_t head_bytes_max,
                                                          std::chrono::milliseconds timeout);

    // For whoever relays bytes: no deadline but those of the caller, who closes it.

    /// What is there, waiting for it when there is nothing. An error, or 0 bytes at the end of the stream.
    loop::Task<base::Result<std::size_t>> read_some(std::span<char> into);
    loop::Task<base::ErrorCode> write(std::string_view bytes);
    /// No more will be written.
    void finish_writing();

    /// The server has neither closed it nor said anything that nobody asked for.
    bool reusable();
    /// Whether bytes of the last answer came before it failed.
    bool answer_began() const { return answer_began_; }
    void close();

    base::SteadyTime idle_since;

 private:
    void expire_after(std::chrono::milliseconds timeout);
    base::ErrorCode reason(base::ErrorCode error) const;
    boost::asio::ip::tcp::socket& socket() { return tls_ ? tls_->next_layer() : plain_; }

    boost::asio::ip::tcp::resolver resolver_;
    boost::asio::ip::tcp::socket plain_;
    std::optional<boost::asio::ssl::stream<boost::asio::ip::tcp::socket>> tls_;
    boost::asio::steady_timer timer_;
    bool expired_ = false;
    bool keep_ = false;
    bool answer_began_ = false;
};

}  // namespace carillon::http
