#include "notifications/user_data_routes.hpp"

#include <charconv>
#include <optional>
#include <utility>

namespace carillon::notifications {
namespace {

using http::Response;
using http::RoutedRequest;

std::optional<std::uint32_t> limit_of(const http::Request& request) {
    const auto text = request.query_value("limit");
    if (!text) return contracts::kPageLimitMax;
    std::uint32_t limit = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
    if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
    return limit;
}

loop::Task<Response> hand_out(UserDataService& service, const RoutedRequest& routed) {
    const auto user = base::UserId::parse(routed.path_values.at(0));
    if (!user) co_return http::problem_response(contracts::problem_not_found("The id is no UUID."));
    const auto limit = limit_of(routed.request);
    if (!limit) co_return http::problem_response(contracts::problem_bad_request("limit must be a whole number"));
    auto exporting = service.export_page(*user, routed.request.query_value("cursor").value_or(""), *limit);
    const auto page = co_await std::move(exporting);
    if (!page) co_return http::problem_response(page.error());
    co_return http::json_response(200, *page);
}

loop::Task<Response> erase(UserDataService& service, const RoutedRequest& routed) {
    const auto user = base::UserId::parse(routed.path_values.at(0));
    if (!user) co_return http::problem_response(contracts::problem_not_found("The id is no UUID."));
    auto erasing = service.erase(*user, routed.request.traceparent);
    const auto erased = co_await std::move(erasing);
    if (!erased) co_return http::problem_response(erased.error());
    Response response;
    response.status = 204;
    co_return response;
}

}  // namespace

void add_user_data_routes(http::Router& router, UserDataService& service) {
    const auto internal = http::Access::internal();
    router.add({http::Method::get, "/users/{id}/data", internal,
                [&service](const RoutedRequest& routed) { return hand_out(service, routed); }});
    router.add({http::Method::del, "/users/{id}/data", internal,
                [&service](const RoutedRequest& routed) { return erase(service, routed); }});
}

}  // namespace carillon::notifications
