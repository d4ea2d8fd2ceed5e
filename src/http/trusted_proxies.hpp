#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace carillon::http {

/// The proxies whose word about a client is taken: `Forwarded` (RFC 7239), `X-Forwarded-For` and `X-Forwarded-Proto`.
/// From anybody else these fields mean nothing. Constant. Thread: any.
class TrustedProxies {
 public:
    /// Trusts nobody.
    TrustedProxies() = default;
    /// Addresses and networks: `10.0.0.0/8`, `::1`. Throws std::invalid_argument that names the one that is none.
    explicit TrustedProxies(const std::vector<std::string>& networks);

    bool empty() const { return networks_.empty(); }
    bool trusts(std::string_view address) const;
    /// Sets `remote_address` and `over_tls` to what the proxies say, when the connection is one of theirs. The chain of
    /// addresses is read from its end: each proxy vouches for the one before it, until one that is not trusted, which
    /// is the client. Where both kinds of fields are there, `X-Forwarded-For` counts: proxies that write it pass a
    /// client's own `Forwarded` on.
    void look_through(Request& request) const;

 private:
    using Address = std::array<std::uint8_t, 16>;  // IPv4 as mapped into IPv6
    struct Network {
        Address address;
        unsigned bits;
    };
    static std::optional<Address> parse(std::string_view text);
    bool trusts(const Address& address) const;

    std::vector<Network> networks_;
};

}  // namespace carillon::http
