#pragma once

#include <string_view>

#include "auth/auth_service.hpp"
#include "contracts/problem.hpp"
#include "http/router.hpp"

namespace carillon::auth {

// How the gateway passes a public request on: the same method, path, body and Content-Type, its internal token in
// `Authorization`, and these fields. Whatever the client itself sent under their names must be removed first
// (`Headers::set`, not `add`): a request that has one twice is refused. Over HTTP and in one process alike.

/// The `Authorization` value of the public request, when it had one.
inline constexpr std::string_view kUserAuthorizationHeader = "X-Carillon-Authorization";
/// The address of the client, without port. Believed because the request carries an internal token.
inline constexpr std::string_view kClientAddressHeader = "X-Carillon-Client-Address";

/// `https` or `http`: what the client came by, as a trusted proxy says.
inline constexpr std::string_view kClientProtoHeader = "X-Carillon-Client-Proto";
/// The administrator who has tokens revoked.
inline constexpr std::string_view kAdministratorHeader = "X-Carillon-Administrator";

/// The answer for a refusal.
contracts::Problem to_problem(const AuthFailure& failure);

/// Adds `POST /auth/register`, `/auth/login`, `/auth/refresh` and `/auth/logout`, `GET /auth/me` and `GET
/// /.well-known/jwks.json`; for the duties to one user `GET` and `DELETE /users/{id}/account`; and `POST
/// /users/{id}/revocations`, with `GET /revocations/{since}/{after}` for gateways: those revoked at `since`
/// (milliseconds) and with an id above `after`, or later. All for internal tokens only. `service` must outlive the
/// router's requests.
void add_auth_routes(http::Router& router, AuthService& service);

}  // namespace carillon::auth
