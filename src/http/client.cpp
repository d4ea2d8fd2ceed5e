#include "http/client.hpp"

#include <algorithm>
#include <optional>

#include "http/ascii.hpp"
#include "http/client_connection.hpp"

namespace carillon::http {
namespace {

namespace asio = boost::asio;
/// Where an `http://` or `https://` URL leads, and what is asked for there.
struct Target {
    Endpoint endpoint;
    std::string target;
};

base::Result<Target> target_of(const std::string& url) {
    constexpr std::string_view kSecure = "https://";
    const bool tls = equals_caseless(std::string_view{url}.substr(0, kSecure.size()), kSecure);
    auto parsed = parse_url(tls ? "http://" + url.substr(kSecure.size()) : url);
    if (!parsed) return parsed.error();
    if (tls && !parsed->authority.ends_with(':' + parsed->port)) parsed->port = "443";
    return Target{{parsed->host, parsed->port, parsed->authority, {}, tls}, parsed->target};
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
                                                std::chrono::milliseconds timeout, std::string ca_file) {
    const auto to = target_of(url);
    if (!to) co_return to.error();
    const auto& [endpoint, target] = *to;
    std::optional<asio::ssl::context> tls;
    if (endpoint.tls) tls.emplace(make_tls_context(ca_file));
    const auto executor = co_await loop::this_executor();
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    const auto connection = std::make_shared<ClientConnection>(executor, tls ? &*tls : nullptr);
    auto connecting = connection->connect(endpoint, timeout);
    if (const auto error = co_await std::move(connecting)) co_return error;
    headers.set("Connection", "close");
    auto bytes = request_bytes(endpoint, method, target, headers, body);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    auto exchanging = connection->exchange(std::move(bytes), method == Method::head, left);
    auto answer = co_await std::move(exchanging);
    connection->close();
    co_return answer;
}

}  // namespace carillon::http
