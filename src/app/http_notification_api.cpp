#include "app/http_notification_api.hpp"

#include "base/log.hpp"
#include "contracts/internal_bodies.hpp"
#include "contracts/rest_bodies.hpp"
#include "http/idempotency.hpp"
#include "notifications/notification_routes.hpp"

namespace carillon::app {
namespace {

using gateway::ApiResult;
using gateway::Caller;
using gateway::InboxCount;

constexpr int kRetryAfterSeconds = 1;

http::Call reading(std::string target) {
    http::Call call;
    call.target = std::move(target);
    call.repeatable = true;
    return call;
}

http::Call posting(std::string target, std::string body) {
    http::Call call;
    call.method = http::Method::post;
    call.target = std::move(target);
    call.body = std::move(body);
    return call;
}

std::string for_user(base::UserId user) {
    return "?userId=" + user.to_string();
}

bool is_replayed(const http::Response& response) {
    return response.headers.get(http::kIdempotencyReplayedHeader) == "true";
}

/// What is no answer of the contract is the service's mistake, not the caller's.
template <class T>
ApiResult<T> decoded(contracts::Decoded<T> body) {
    if (body) return std::move(*body);
    base::log_error("the notification service answers what the contract does not know",
                    {{"reason", body.error().summary()}});
    return contracts::problem_internal();
}

ReadGatherer::Result result_of(contracts::ReadsResult& result) {
    if (result.read) {
        const auto& read = *result.read;
        return gateway::MarkReadAnswer{read.notification_id, read.read_at, InboxCount{read.unread_count, read.version}};
    }
    auto problem = result.problem ? std::move(*result.problem) : contracts::problem_internal();
    // The header that says it otherwise belongs to a whole answer.
    if (problem.status == 503 && !problem.retry_after_s) problem.retry_after_s = kRetryAfterSeconds;
    return problem;
}

}  // namespace

HttpNotificationApi::HttpNotificationApi(ServiceClient& client)
    : client_{client},
      reads_{std::make_shared<ReadGatherer>(
          [this](std::vector<contracts::ReadsItem> items) { return send_reads(std::move(items)); },
          ReadGatherer::Limits{})} {}

loop::Task<ApiResult<http::Response>> HttpNotificationApi::ask(http::Call call, std::string traceparent, int status) {
    if (!traceparent.empty()) call.headers.set("traceparent", std::move(traceparent));
    auto sending = client_.send(std::move(call));
    auto answer = co_await std::move(sending);
    if (!answer) co_return answer.error();
    if (answer->status != status) {
        auto problem = problem_of(*answer);
        problem.replayed = is_replayed(*answer);
        co_return problem;
    }
    co_return std::move(*answer);
}

loop::Task<ApiResult<http::Response>> HttpNotificationApi::change(http::Call call, Caller caller, int status) {
    call.headers.set(std::string{notifications::kOnBehalfOfHeader}, caller.user_id.to_string());
    if (!caller.idempotency_key.empty()) {
        call.headers.set(std::string{http::kIdempotencyKeyHeader}, std::move(caller.idempotency_key));
        call.repeatable = true;
    }
    return ask(std::move(call), std::move(caller.traceparent), status);
}

loop::Task<ApiResult<gateway::CreateAnswer>> HttpNotificationApi::create(Caller caller,
                                                                         gateway::NewNotification notification) {
    const contracts::CreateNotification wanted{notification.user_id, std::move(notification.type),
                                               std::move(notification.title), std::move(notification.body),
                                               std::move(notification.data_json)};
    auto call = posting("/notification", contracts::encode_create_notification(wanted));
    auto asking = change(std::move(call), std::move(caller), 201);
    const auto answer = co_await std::move(asking);
    if (!answer) co_return answer.error();
    auto made = decoded(contracts::decode_notification(answer->body));
    if (!made) co_return made.error();
    co_return gateway::CreateAnswer{std::move(*made), is_replayed(*answer)};
}

loop::Task<ApiResult<gateway::NotificationPage>> HttpNotificationApi::list(Caller caller, std::uint32_t limit,
                                                                           std::string cursor, std::string status) {
    auto target = "/notification" + for_user(caller.user_id) + "&limit=" + std::to_string(limit);
    if (!cursor.empty()) target += "&cursor=" + query_encoded(cursor);
    if (!status.empty()) target += "&status=" + query_encoded(status);
    auto asking = ask(reading(std::move(target)), std::move(caller.traceparent), 200);
    const auto answer = co_await std::move(asking);
    if (!answer) co_return answer.error();
    auto page = decoded(contracts::decode_notification_page(answer->body));
    if (!page) co_return page.error();
    co_return gateway::NotificationPage{std::move(page->data), std::move(page->next_cursor),
                                        InboxCount{page->unread_count, page->version}};
}

loop::Task<ApiResult<contracts::Notification>> HttpNotificationApi::find(Caller caller, base::NotificationId id) {
    auto asking =
        ask(reading("/notification/" + id.to_string() + for_user(caller.user_id)), std::move(caller.traceparent), 200);
    const auto answer = co_await std::move(asking);
    if (!answer) co_return answer.error();
    co_return decoded(contracts::decode_notification(answer->body));
}

loop::Task<ApiResult<std::vector<InboxCount>>> HttpNotificationApi::counts(std::vector<base::UserId> users) {
    std::vector<InboxCount> counts;
    counts.reserve(users.size());
    for (std::size_t first = 0; first < users.size(); first += contracts::kBulkItemsMax) {
        const auto end = std::min(users.size(), first + contracts::kBulkItemsMax);
        contracts::UnreadCountsRequest request;
        request.user_ids.assign(users.begin() + static_cast<std::ptrdiff_t>(first),
                                users.begin() + static_cast<std::ptrdiff_t>(end));
        auto call = posting("/notification/unread-counts", contracts::encode_unread_counts_request(request));
        call.repeatable = true;
        auto asking = ask(std::move(call), {}, 200);
        const auto answer = co_await std::move(asking);
        if (!answer) co_return answer.error();
        const auto body = decoded(contracts::decode_unread_counts_answer(answer->body));
        if (!body) co_return body.error();
        if (body->counts.size() != request.user_ids.size()) co_return contracts::problem_internal();
        for (const auto& count : body->counts) counts.push_back({count.count, count.version});
    }
    co_return counts;
}

loop::Task<ApiResult<gateway::SyncAnswer>> HttpNotificationApi::sync(Caller caller, base::Version since,
                                                                     std::uint32_t limit) {
    auto target = "/notification/sync" + for_user(caller.user_id) + "&since=" + std::to_string(since) +
                  "&limit=" + std::to_string(limit);
    auto asking = ask(reading(std::move(target)), std::move(caller.traceparent), 200);
    const auto answer = co_await std::move(asking);
    if (!answer) co_return answer.error();
    auto page = decoded(contracts::decode_sync_answer(answer->body));
    if (!page) co_return page.error();
    co_return gateway::SyncAnswer{page->reset,           InboxCount{page->unread_count, page->version},
                                  page->read_all_before, std::move(page->notifications),
                                  page->has_more,        std::move(page->created_versions)};
}

loop::Task<std::vector<ReadGatherer::Result>> HttpNotificationApi::send_reads(std::vector<contracts::ReadsItem> items) {
    const auto count = items.size();
    auto call = posting("/notification/reads", contracts::encode_reads_request({std::move(items)}));
    // The second time gives the first answer again.
    call.repeatable = true;
    auto asking = ask(std::move(call), {}, 200);
    const auto answer = co_await std::move(asking);
    if (!answer) {
        // What is wrong with the request as a whole is between the gateway and its service (an older one that has no
        // such route, say), and nothing that a user should hear of a notification.
        const bool away = answer.error().status == 503;
        co_return std::vector<ReadGatherer::Result>(count, away ? answer.error() : client_.unavailable());
    }
    auto body = decoded(contracts::decode_reads_answer(answer->body));
    std::vector<ReadGatherer::Result> results;
    if (!body || body->results.size() != count) co_return results;
    results.reserve(count);
    for (auto& result : body->results) results.push_back(result_of(result));
    co_return results;
}

loop::Task<ApiResult<gateway::MarkReadAnswer>> HttpNotificationApi::mark_read(Caller caller, base::NotificationId id) {
    if (caller.idempotency_key.empty()) {
        contracts::ReadsItem item{caller.user_id, id, std::move(caller.traceparent)};
        auto marking = reads_->mark(std::move(item));
        co_return co_await std::move(marking);
    }
    auto call =
        posting("/notification/" + id.to_string() + "/read", contracts::encode_internal_read_request({caller.user_id}));
    // The second time gives the first answer again.
    call.repeatable = true;
    auto asking = change(std::move(call), std::move(caller), 200);
    const auto answer = co_await std::move(asking);
    if (!answer) co_return answer.error();
    const auto body = decoded(contracts::decode_mark_read_answer(answer->body));
    if (!body) co_return body.error();
    co_return gateway::MarkReadAnswer{body->notification_id, body->read_at,
                                      InboxCount{body->unread_count, body->version}, is_replayed(*answer)};
}

loop::Task<ApiResult<gateway::ReadAllAnswer>> HttpNotificationApi::read_all(Caller caller,
                                                                            std::optional<base::Version> before) {
    const contracts::InternalReadAllRequest request{caller.user_id, before};
    auto call = posting("/notification/read-all", contracts::encode_internal_read_all_request(request));
    auto asking = change(std::move(call), std::move(caller), 200);
    const auto answer = co_await std::move(asking);
    if (!answer) co_return answer.error();
    const auto body = decoded(contracts::decode_read_all_answer(answer->body));
    if (!body) co_return body.error();
    co_return gateway::ReadAllAnswer{body->updated, InboxCount{body->unread_count, body->version},
                                     is_replayed(*answer)};
}

loop::Task<ApiResult<std::string>> HttpNotificationApi::export_data(Caller caller, std::string cursor,
                                                                    std::uint32_t limit) {
    auto target = "/users/" + caller.user_id.to_string() + "/data?limit=" + std::to_string(limit);
    if (!cursor.empty()) target += "&cursor=" + query_encoded(cursor);
    auto asking = ask(reading(std::move(target)), std::move(caller.traceparent), 200);
    auto answer = co_await std::move(asking);
    if (!answer) co_return answer.error();
    co_return std::move(answer->body);
}

loop::Task<ApiResult<void>> HttpNotificationApi::erase_data(Caller caller) {
    http::Call call;
    call.method = http::Method::del;
    call.target = "/users/" + caller.user_id.to_string() + "/data";
    call.repeatable = true;  // What is erased stays so.
    auto asking = ask(std::move(call), std::move(caller.traceparent), 204);
    const auto answer = co_await std::move(asking);
    if (!answer) co_return answer.error();
    co_return ApiResult<void>{};
}

loop::Task<bool> HttpNotificationApi::ready() {
    return client_.ready();
}

}  // namespace carillon::app
