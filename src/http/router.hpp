#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "contracts/problem.hpp"
#include "http/message.hpp"
#include "loop/task.hpp"
#include "metrics/registry.hpp"
#include "token/token.hpp"

namespace carillon::http {

/// `application/problem+json` (RFC 9457) with the problem's status; adds `WWW-Authenticate` to 401, `Retry-After` to
/// 503 and 429 when the problem has none of its own, and `Idempotency-Replayed` to a replayed one.
Response problem_response(const contracts::Problem& problem);

/// Who may call a route.
struct Access {
    enum class Kind {
        open,        ///< anybody
        user,        ///< any verified user token
        permission,  ///< a user token with `any_of` one of the named permissions
        internal,    ///< an internal token
    };
    Kind kind = Kind::open;
    std::vector<std::string_view> any_of;

    static Access open() { return {}; }
    static Access user() { return {Kind::user, {}}; }
    static Access permission(std::vector<std::string_view> any_of) { return {Kind::permission, std::move(any_of)}; }
    static Access internal() { return {Kind::internal, {}}; }
};

/// A request that found its route and passed its access check. Lives until the handler's task has ended.
struct RoutedRequest {
    Request& request;
    std::vector<std::string> path_values;   ///< of the `{…}` segments, in order, percent-decoded
    std::optional<token::UserClaims> user;  ///< for `user` and `permission` routes
    std::string service;                    ///< for `internal` routes: who calls
};

using Handler = std::function<loop::Task<Response>(const RoutedRequest&)>;

/// One line of the table of routes.
struct Route {
    Method method = Method::get;
    std::string pattern;  ///< "/notifications/{id}/read"; also the `route` label of the metrics
    Access access;
    Handler handler;
    std::size_t body_bytes_max = 64 * 1024;
    std::string label = {};  ///< the `route` label of the metrics, when it is not the pattern: what many routes share
};

/// Verifies tokens for the router. Set what the routes need; a route whose verifier is missing is a programmer error.
struct Verifiers {
    const token::UserTokenVerifier* user = nullptr;
    const token::InternalTokens* internal = nullptr;
};

/// The one table of routes of a service: route -> access -> handler.
///
/// `handle` answers every request: 404, 405 with `Allow`, OPTIONS (204 with `Allow`), HEAD as GET without the body,
/// 401, 403, 413, 415 (a POST with a body that is not JSON), the handler's answer, or 500 with a log line when it
/// throws. Counts `http_requests_total{route,status}` and `http_request_duration_seconds{route}`, and logs each request
/// with method, route, status, duration and trace id, never its query. Thread: any; built before it serves.
class Router {
 public:
    Router(const base::Clock& clock, metrics::Registry& metrics, Verifiers verifiers, std::string service_name);
    ~Router();
    void add(Route route);
    /// `body_too_large`: the body passed `body_bytes_max` and was not read. Then 413 stands where the handler would be
    /// called: an unknown path is still 404 and a bad token still 401.
    loop::Task<Response> handle(Request& request, bool body_too_large = false) const;
    /// How much of a body the route of this request takes, for the session that reads it.
    std::size_t body_bytes_max(const Request& head) const;

    /// Requests that are answered outside the table, and the `route` label they are counted under.
    enum class Outside {
        unmatched,  ///< "unmatched": broken requests
        preflight,  ///< "preflight": of CORS
        raw,        ///< "raw": the raw endpoint's
    };
    /// Counts and logs such a request like those of the table. `started`: by the clock's `steady_now`.
    void record(const Request& request, Outside outside, int status, base::SteadyTime started) const;

    /// An idle connection was closed to make room: `http_connections_evicted_total`.
    void count_evicted() const;

 private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace carillon::http
