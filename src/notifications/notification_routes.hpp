#pragma once

#include "http/router.hpp"
#include "notifications/notification_service.hpp"

namespace carillon::notifications {

/// The user for whom a service calls.
inline constexpr std::string_view kOnBehalfOfHeader = "Carillon-On-Behalf-Of";

/// Adds the internal API of the notification service (port 3002) to `router`; every route takes internal tokens only.
///
///     POST /notification                 201 the notification, with Location
///     POST /notification/bulk            200 {results}
///     GET  /notification                 ?userId&limit&cursor&status
///     GET  /notification/{id}            ?userId (where Location leads; for whom, the caller says)
///     GET  /notification/unread-count    ?userId
///     POST /notification/unread-counts   {userIds}
///     GET  /notification/sync            ?userId&since&limit
///     POST /notification/{id}/read       {userId}
///     POST /notification/read-all        {userId, before?}
///
/// An id that is no UUID, in the path or as `userId` of a query, is 404. A change takes an `Idempotency-Key`, scoped to
/// the calling service, or to the user it names in `Carillon-On-Behalf-Of`, and to the route. `service` outlives the
/// router.
void add_notification_routes(http::Router& router, NotificationService& service);

}  // namespace carillon::notifications
