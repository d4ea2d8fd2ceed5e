#include "loadtest/endpoint.hpp"

#include <arpa/inet.h>
#include <netdb.h>

#include <cstring>
#include <memory>

#include "http/client.hpp"

namespace carillon::loadtest {
namespace {

constexpr std::uint32_t kLoopbackNet = 0x7F;
constexpr std::uint32_t kFirstSource = 0x7F000101;  // 127.0.1.1
constexpr std::string_view kNatsPort = "4222";

http::Url take_apart(const std::string& url, const std::string& flag, const std::string& scheme) {
    const std::string prefix = scheme + "://";
    std::string text = url;
    if (text.starts_with(prefix)) text.replace(0, prefix.size(), "http://");
    auto parsed = http::parse_url(text);
    const bool right_scheme = url.starts_with(prefix);
    if (!parsed || !right_scheme) {
        std::string hint = url.starts_with("https://") ? " (TLS is not spoken: put the load on the plain port)" : "";
        throw SetupError(flag + ": wants a " + prefix + "host:port URL, not '" + url + "'" + hint);
    }
    if (scheme == "nats" && parsed->authority.find(':') == std::string::npos) parsed->port = kNatsPort;
    return *parsed;
}

}  // namespace

bool Endpoint::loopback_v4() const {
    if (address.ss_family != AF_INET) return false;
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    return ntohl(v4.sin_addr.s_addr) >> 24 == kLoopbackNet;
}

Endpoint resolve_endpoint(const std::string& url, const std::string& flag, const std::string& scheme) {
    const http::Url parsed = take_apart(url, flag, scheme);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int failed = ::getaddrinfo(parsed.host.c_str(), parsed.port.c_str(), &hints, &found);
    if (failed != 0) throw SetupError(flag + ": cannot resolve '" + parsed.host + "': " + ::gai_strerror(failed));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list{found, ::freeaddrinfo};
    // IPv4 first: `localhost` has both, and the sources for many clients are there.
    const addrinfo* chosen = found;
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        if (one->ai_family == AF_INET) {
            chosen = one;
            break;
        }
    }
    Endpoint endpoint;
    std::memcpy(&endpoint.address, chosen->ai_addr, chosen->ai_addrlen);
    endpoint.address_size = chosen->ai_addrlen;
    endpoint.authority = parsed.authority;
    endpoint.name = url;
    return endpoint;
}

sockaddr_in loopback_source(std::size_t index) {
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr = htonl(kFirstSource + static_cast<std::uint32_t>(index));
    return source;
}

}  // namespace carillon::loadtest
