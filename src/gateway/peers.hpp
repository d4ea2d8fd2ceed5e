#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "gateway/gateway.hpp"
#include "http/engine_peers.hpp"
#include "socketio/sid_codec.hpp"

namespace carillon::gateway {

/// Session ids of a node that is made up now.
std::shared_ptr<const socketio::SidCodec> make_sids(const GatewayConfig& config);

/// The other gateways, found in the registry. `services` outlive it.
std::shared_ptr<const http::EnginePeers> make_peers(const GatewayConfig& config, const GatewayServices& services);

/// What this gateway tells the others of itself.
std::string advertised_url(const GatewayConfig& config, std::uint16_t port);

}  // namespace carillon::gateway
