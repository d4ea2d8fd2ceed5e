#pragma once

#include "http/router.hpp"
#include "notifications/user_data_service.hpp"

namespace carillon::notifications {

/// Adds to the internal API, for internal tokens only:
///
///     GET    /users/{id}/data   ?limit&cursor  200 a page of what is kept, 404 when it is nothing
///     DELETE /users/{id}/data                  204, also when nothing was kept
///
/// `service` outlives the router.
void add_user_data_routes(http::Router& router, UserDataService& service);

}  // namespace carillon::notifications
