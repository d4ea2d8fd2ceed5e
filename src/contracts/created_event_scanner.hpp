#pragma once

#include <optional>
#include <string_view>

#include "contracts/bus_events.hpp"

namespace carillon::contracts {

/// Reads `notification.created` as our own services write it: the fields in the encoder's order, no spaces, texts of
/// printable ASCII without escapes, no `data`. Nullopt for everything else, good or bad: the general decoder decides
/// about it. What comes out is what the general decoder would have made of it, without a tree in between.
std::optional<NotificationCreated> scan_notification_created(std::string_view json);

}  // namespace carillon::contracts
