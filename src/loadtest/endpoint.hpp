#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace carillon::loadtest {

/// What stands in the way of a run, in one line for the user: exit code 2.
class SetupError : public std::runtime_error {
 public:
    using std::runtime_error::runtime_error;
};

/// A server's address, resolved once.
struct Endpoint {
    sockaddr_storage address{};
    socklen_t address_size = 0;
    std::string authority;  ///< as it belongs into Host
    std::string name;       ///< as the user wrote it

    bool loopback_v4() const;
};

/// `scheme` is "http" or "nats". Throws SetupError, naming `flag`, for another URL or a name that does not resolve.
Endpoint resolve_endpoint(const std::string& url, const std::string& flag, const std::string& scheme = "http");

/// Address `index` of those that spread clients over a loopback target: 127.0.1.1, 127.0.1.2, …
sockaddr_in loopback_source(std::size_t index);

}  // namespace carillon::loadtest
