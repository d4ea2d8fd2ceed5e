#include "http/ops_routes.hpp"

#include <algorithm>

#include "contracts/json_writer.hpp"

namespace carillon::http {
namespace {

std::string encode(const Readiness& readiness) {
    std::string out = "{\"status\":";
    contracts::append_json_string(out, readiness.ready() ? "ready" : readiness.draining ? "draining" : "unavailable");
    out += ",\"dependencies\":{";
    bool first = true;
    for (const auto& dependency : readiness.dependencies) {
        if (!std::exchange(first, false)) out += ',';
        contracts::append_json_string(out, dependency.name);
        out += dependency.ok ? ":{\"ok\":true" : ":{\"ok\":false";
        if (!dependency.detail.empty()) {
            out += ",\"detail\":";
            contracts::append_json_string(out, dependency.detail);
        }
        out += '}';
    }
    out += "}}";
    return out;
}

loop::Task<Response> livez() {
    co_return json_response(200, "{\"status\":\"live\"}");
}

/// `check` is the handler's own and lives as long as the router.
loop::Task<Response> readyz(const ReadinessCheck& check) {
    const Readiness readiness = co_await check();
    Response response = json_response(readiness.ready() ? 200 : 503, encode(readiness));
    if (!readiness.ready()) response.headers.add("Retry-After", "1");
    co_return response;
}

loop::Task<Response> render(metrics::Registry& registry) {
    Response response;
    response.headers.add("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    response.headers.add("Cache-Control", "no-store");
    response.body = registry.render();
    co_return response;
}

}  // namespace

bool Readiness::ready() const {
    return !draining &&
           std::all_of(dependencies.begin(), dependencies.end(), [](const auto& d) { return d.ok || !d.required; });
}

void add_ops_routes(Router& router, metrics::Registry& registry, ReadinessCheck check) {
    const auto add = [&router](const char* pattern, Handler handler) {
        Route route;
        route.pattern = pattern;
        route.handler = std::move(handler);
        router.add(std::move(route));
    };
    const auto shared = std::make_shared<const ReadinessCheck>(std::move(check));
    add("/livez", [](const RoutedRequest&) { return livez(); });
    add("/readyz", [shared](const RoutedRequest&) { return readyz(*shared); });
    add("/metrics", [&registry](const RoutedRequest&) { return render(registry); });
}

}  // namespace carillon::http
