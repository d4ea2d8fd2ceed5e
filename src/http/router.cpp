#include "http/router.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <stdexcept>

#include "base/log.hpp"
#include "base/log_limit.hpp"
#include "http/ascii.hpp"
#include "http/route_table.hpp"

namespace carillon::http {
namespace {

constexpr int kStatusMin = 100;
constexpr int kStatusMax = 599;
constexpr std::size_t kUnmatchedBodyBytesMax = 64 * 1024;
constexpr std::array<std::string_view, 3> kOutsideLabels{"unmatched", "preflight", "raw"};

/// The two metrics of one `route` label. A counter is looked up when its status first occurs. Thread: any.
class RouteMetrics {
 public:
    RouteMetrics(metrics::Registry& registry, std::string label)
        : registry_{registry},
          label_{std::move(label)},
          duration_{registry.histogram("http_request_duration_seconds",
                                       "Time from the first byte of a request to its answer", {{"route", label_}})} {}

    void count(int status, double seconds) {
        status = std::clamp(status, kStatusMin, kStatusMax);
        auto& slot = counters_[static_cast<std::size_t>(status - kStatusMin)];
        auto* counter = slot.load(std::memory_order_acquire);
        if (counter == nullptr) {
            // Two threads that come here at once get the same counter.
            counter = &registry_.counter("http_requests_total", "Requests answered",
                                         {{"route", label_}, {"status", std::to_string(status)}});
            slot.store(counter, std::memory_order_release);
        }
        counter->increment();
        duration_.observe(seconds);
    }
    const std::string& label() const { return label_; }

 private:
    metrics::Registry& registry_;
    const std::string label_;
    metrics::Histogram& duration_;
    std::array<std::atomic<metrics::Counter*>, kStatusMax - kStatusMin + 1> counters_{};
};

bool is_json(std::string_view content_type) {
    const auto type = trim_blanks(content_type.substr(0, content_type.find(';')));
    return equals_caseless(type, "application/json") ||
           (type.size() > 5 && equals_caseless(type.substr(type.size() - 5), "+json"));
}

bool takes_body(Method method) {
    return method == Method::post || method == Method::put || method == Method::patch;
}

/// Every request has its line, but for a flood of those that are refused before anybody is known.
bool is_logged(int status, std::string_view who, base::SteadyTime now) {
    static base::LogLimit refused{"refused http requests"};
    base::LogLimit::report_all(now);
    return status < 400 || status >= 500 || !who.empty() || refused.take(now);
}

void log_request(const Request& request, std::string_view route, int status, double milliseconds,
                 std::string_view who) {
    const auto method =
        request.method == Method::other ? std::string_view{request.method_text} : method_name(request.method);
    const auto duration = fmt::format("{:.3f}", milliseconds);
    if (who.empty()) {
        base::log_info("http request", {{"method", method},
                                        {"route", route},
                                        {"path", request.path},
                                        {"status", status},
                                        {"ms", duration},
                                        {"remote", request.remote_address},
                                        {"trace", request.trace_id}});
    } else {
        base::log_info("http request", {{"method", method},
                                        {"route", route},
                                        {"path", request.path},
                                        {"status", status},
                                        {"ms", duration},
                                        {"remote", request.remote_address},
                                        {"trace", request.trace_id},
                                        {"user", who}});
    }
}

}  // namespace

struct Router::Impl {
    /// All routes of one pattern.
    struct Resource {
        PathPattern pattern;
        std::string text;
        std::vector<Route> routes;
        RouteMetrics& metrics;
        std::string allow;

        const Route* find(Method method) const {
            for (const auto& route : routes) {
                if (route.method == method) return &route;
            }
            return method == Method::head ? find(Method::get) : nullptr;
        }
    };

    const Resource* match(std::string_view path, std::vector<std::string>& values) const;
    std::optional<Response> authenticate(const Route& route, RoutedRequest& routed) const;
    void finish(const Request& request, RouteMetrics& metrics, int status, base::SteadyTime started,
                std::string_view who) const;
    loop::Task<Response> dispatch(const Resource& resource, RoutedRequest& routed, bool body_too_large) const;

    const base::Clock& clock;
    metrics::Registry& metrics;
    const Verifiers verifiers;
    const std::string service_name;
    std::vector<std::unique_ptr<Resource>> resources;
    std::map<std::string, std::unique_ptr<RouteMetrics>> metrics_by_label;
    std::array<RouteMetrics*, 3> outside{};
    metrics::Counter& evicted;

    RouteMetrics& metrics_of(const std::string& label);
};

RouteMetrics& Router::Impl::metrics_of(const std::string& label) {
    auto& slot = metrics_by_label[label];
    if (!slot) slot = std::make_unique<RouteMetrics>(metrics, label);
    return *slot;
}

const Router::Impl::Resource* Router::Impl::match(std::string_view path, std::vector<std::string>& values) const {
    for (const auto& resource : resources) {
        if (resource->pattern.matches(path, values)) return resource.get();
    }
    values.clear();
    return nullptr;
}

std::optional<Response> Router::Impl::authenticate(const Route& route, RoutedRequest& routed) const {
    using Kind = Access::Kind;
    if (route.access.kind == Kind::open) return std::nullopt;
    const auto header = routed.request.headers.get("authorization");
    if (header.empty()) return problem_response(contracts::problem_unauthorized("This needs a bearer token."));
    const auto text = token::bearer_token(header);
    if (text.empty())
        return problem_response(contracts::problem_token_invalid("The Authorization field holds no bearer token."));

    const auto refused = [](const base::ErrorCode& ec) {
        if (ec == make_error_code(token::errc::expired)) return problem_response(contracts::problem_token_expired());
        return problem_response(contracts::problem_token_invalid());
    };
    if (route.access.kind == Kind::internal) {
        auto service = verifiers.internal->verify(text, clock.now());
        if (!service) return refused(service.error());
        routed.service = std::move(*service);
        return std::nullopt;
    }
    auto claims = verifiers.user->verify(text, clock.now());
    if (!claims) return refused(claims.error());
    routed.user = std::move(*claims);
    if (route.access.kind == Kind::user) return std::nullopt;
    const auto& any_of = route.access.any_of;
    const bool may = std::any_of(any_of.begin(), any_of.end(), [&](auto name) { return routed.user->may(name); });
    if (may) return std::nullopt;
    return problem_response(contracts::problem_forbidden("The token lacks the permission."));
}

loop::Task<Response> Router::Impl::dispatch(const Resource& resource, RoutedRequest& routed,
                                            bool body_too_large) const {
    const Request& request = routed.request;
    const Route* route = resource.find(request.method);
    if (route == nullptr) {
        if (request.method != Method::options)
            co_return problem_response(contracts::problem_method_not_allowed(resource.allow));
        Response response;
        response.status = 204;
        response.headers.add("Allow", resource.allow);
        co_return response;
    }
    if (auto refusal = authenticate(*route, routed)) co_return std::move(*refusal);
    if (body_too_large) {
        co_return problem_response(contracts::problem_payload_too_large(
            fmt::format("A body has at most {} bytes here.", route->body_bytes_max)));
    }
    if (takes_body(request.method) && !request.body.empty() && !is_json(request.headers.get("content-type"))) {
        co_return problem_response(contracts::problem_unsupported_media_type("A body is application/json."));
    }
    co_return co_await route->handler(routed);
}

void Router::Impl::finish(const Request& request, RouteMetrics& route, int status, base::SteadyTime started,
                          std::string_view who) const {
    const auto now = clock.steady_now();
    const std::chrono::duration<double> duration = now - started;
    route.count(status, duration.count());
    if (!is_logged(status, who, now)) return;
    log_request(request, route.label(), status, duration.count() * 1000, who);
}

Router::Router(const base::Clock& clock, metrics::Registry& metrics, Verifiers verifiers, std::string service_name)
    : impl_{new Impl{clock,
                     metrics,
                     verifiers,
                     std::move(service_name),
                     {},
                     {},
                     {},
                     metrics.counter("http_connections_evicted_total", "Idle connections closed to make room")}} {
    for (std::size_t i = 0; i < kOutsideLabels.size(); ++i) {
        impl_->outside[i] = &impl_->metrics_of(std::string{kOutsideLabels[i]});
    }
}

Router::~Router() = default;

void Router::add(Route route) {
    using Kind = Access::Kind;
    const auto kind = route.access.kind;
    if (kind == Kind::internal && impl_->verifiers.internal == nullptr) {
        throw std::logic_error{"no verifier of internal tokens for " + route.pattern};
    }
    if ((kind == Kind::user || kind == Kind::permission) && impl_->verifiers.user == nullptr) {
        throw std::logic_error{"no verifier of user tokens for " + route.pattern};
    }
    auto& resources = impl_->resources;
    auto found =
        std::find_if(resources.begin(), resources.end(), [&](const auto& r) { return r->text == route.pattern; });
    if (found == resources.end()) {
        auto& metrics = impl_->metrics_of(route.label.empty() ? route.pattern : route.label);
        auto resource = std::make_unique<Impl::Resource>(
            Impl::Resource{PathPattern{route.pattern}, route.pattern, {}, metrics, {}});
        const auto after = std::find_if(resources.begin(), resources.end(), [&](const auto& other) {
            return resource->pattern.goes_before(other->pattern);
        });
        found = resources.insert(after, std::move(resource));
    }
    auto& resource = **found;
    for (const auto& other : resource.routes) {
        if (other.method == route.method) throw std::logic_error{"two routes for " + route.pattern};
    }
    resource.allow += std::string{resource.allow.empty() ? "" : ", "} + std::string{method_name(route.method)};
    if (route.method == Method::get) resource.allow += ", HEAD";
    if (resource.routes.empty()) resource.allow += ", OPTIONS";
    resource.routes.push_back(std::move(route));
}

std::size_t Router::body_bytes_max(const Request& head) const {
    std::vector<std::string> values;
    const auto* resource = impl_->match(head.path, values);
    const auto* route = resource == nullptr ? nullptr : resource->find(head.method);
    return route == nullptr ? kUnmatchedBodyBytesMax : route->body_bytes_max;
}

void Router::record(const Request& request, Outside outside, int status, base::SteadyTime started) const {
    impl_->finish(request, *impl_->outside[static_cast<std::size_t>(outside)], status, started, {});
}

loop::Task<Response> Router::handle(Request& request, bool body_too_large) const {
    const auto started = impl_->clock.steady_now();
    RoutedRequest routed{request, {}, {}, {}};
    const auto* resource = impl_->match(request.path, routed.path_values);
    Response response;
    if (resource == nullptr) {
        response = problem_response(contracts::problem_not_found());
    } else {
        try {
            response = co_await impl_->dispatch(*resource, routed, body_too_large);
        } catch (const std::exception& error) {
            base::log_error("a handler failed", {{"service", impl_->service_name},
                                                 {"route", resource->text},
                                                 {"trace", request.trace_id},
                                                 {"error", error.what()}});
            response = problem_response(contracts::problem_internal());
        }
    }
    auto& metrics = resource == nullptr ? *impl_->outside[0] : resource->metrics;
    const auto who = routed.user ? routed.user->user_id.to_string() : routed.service;
    impl_->finish(request, metrics, response.status, started, who);
    co_return response;
}

void Router::count_evicted() const {
    impl_->evicted.increment();
}

}  // namespace carillon::http
