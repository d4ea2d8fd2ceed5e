#pragma once

#include "contracts/bus_events.hpp"
#include "contracts/rest_bodies.hpp"

namespace carillon::notifications {

/// The first notification of a user who has just registered; within the limits of a notification, whatever the name.
contracts::CreateNotification welcome_for(const contracts::UserRegistered& user);

}  // namespace carillon::notifications
