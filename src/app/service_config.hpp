#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/serve_config.hpp"
#include "bus/nats/nats_options.hpp"

namespace carillon::app {

/// Everything that one of the separate services can be told: what `serve` can be told of its part, and where the others
/// are.
struct ServiceConfig {
    ServeConfig part;                       ///< `port` and `host` are the service's own; secrets must be given
    std::optional<std::uint16_t> ops_port;  ///< where `/livez`, `/readyz` and `/metrics` answer instead
    bus::NatsOptions nats;                  ///< empty `urls`: not given
    std::string database_url;
    std::vector<std::string> notifications_urls;
    std::vector<std::string> auth_urls;
    std::string services_ca_file;
    std::string jwt_public_key_file;
    std::string jwt_jwks;          ///< a file, or an http(s) URL
    std::string jwt_jwks_ca_file;  ///< of that URL, instead of the system's authorities
};

}  // namespace carillon::app
