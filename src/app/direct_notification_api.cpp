#include "app/direct_notification_api.hpp"

#include "loop/run_on.hpp"

namespace carillon::app {

using gateway::ApiResult;
using gateway::Caller;
using gateway::InboxCount;

namespace {

notifications::CallContext context_of(Caller caller) {
    return {std::move(caller.traceparent), {"gateway", caller.user_id}, std::move(caller.idempotency_key)};
}

}  // namespace

DirectNotificationApi::DirectNotificationApi(loop::Executor service_loop, notifications::NotificationService& service,
                                             notifications::UserDataService& user_data)
    : service_loop_{std::move(service_loop)}, service_{service}, user_data_{user_data} {}

loop::Task<ApiResult<gateway::CreateAnswer>> DirectNotificationApi::create(Caller caller,
                                                                           gateway::NewNotification notification) {
    contracts::CreateNotification wanted{notification.user_id, std::move(notification.type),
                                         std::move(notification.title), std::move(notification.body),
                                         std::move(notification.data_json)};
    auto work = service_.create(std::move(wanted), context_of(std::move(caller)));
    auto created = co_await loop::run_on(service_loop_, std::move(work));
    if (!created) co_return created.error();
    co_return gateway::CreateAnswer{std::move(created->value), created->replayed};
}

loop::Task<ApiResult<gateway::NotificationPage>> DirectNotificationApi::list(Caller caller, std::uint32_t limit,
                                                                             std::string cursor, std::string status) {
    notifications::ListRequest request{caller.user_id, limit, std::move(cursor), std::move(status)};
    auto work = service_.list(std::move(request));
    auto page = co_await loop::run_on(service_loop_, std::move(work));
    if (!page) co_return page.error();
    co_return gateway::NotificationPage{std::move(page->data), std::move(page->next_cursor),
                                        InboxCount{page->unread_count, page->version}};
}

loop::Task<ApiResult<contracts::Notification>> DirectNotificationApi::find(Caller caller, base::NotificationId id) {
    auto work = service_.find(caller.user_id, id);
    co_return co_await loop::run_on(service_loop_, std::move(work));
}

loop::Task<ApiResult<std::vector<InboxCount>>> DirectNotificationApi::counts(std::vector<base::UserId> users) {
    auto work = service_.counts(std::move(users));
    const auto counts = co_await loop::run_on(service_loop_, std::move(work));
    if (!counts) co_return counts.error();
    std::vector<InboxCount> answer;
    answer.reserve(counts->size());
    for (const auto& count : *counts) answer.push_back(InboxCount{count.count, count.version});
    co_return answer;
}

loop::Task<ApiResult<gateway::SyncAnswer>> DirectNotificationApi::sync(Caller caller, base::Version since,
                                                                       std::uint32_t limit) {
    auto work = service_.sync(caller.user_id, since, limit);
    auto page = co_await loop::run_on(service_loop_, std::move(work));
    if (!page) co_return page.error();
    co_return gateway::SyncAnswer{page->reset,           InboxCount{page->unread_count, page->version},
                                  page->read_all_before, std::move(page->notifications),
                                  page->has_more,        std::move(page->created_versions)};
}

loop::Task<ApiResult<gateway::MarkReadAnswer>> DirectNotificationApi::mark_read(Caller caller,
                                                                                base::NotificationId id) {
    auto work = service_.mark_read(caller.user_id, id, context_of(caller));
    const auto answer = co_await loop::run_on(service_loop_, std::move(work));
    if (!answer) co_return answer.error();
    const auto& read = answer->value;
    co_return gateway::MarkReadAnswer{read.notification_id, read.read_at, InboxCount{read.unread_count, read.version},
                                      answer->replayed};
}

loop::Task<ApiResult<gateway::ReadAllAnswer>> DirectNotificationApi::read_all(Caller caller,
                                                                              std::optional<base::Version> before) {
    auto work = service_.read_all(caller.user_id, before, context_of(caller));
    const auto answer = co_await loop::run_on(service_loop_, std::move(work));
    if (!answer) co_return answer.error();
    const auto& read = answer->value;
    co_return gateway::ReadAllAnswer{read.updated, InboxCount{read.unread_count, read.version}, answer->replayed};
}

loop::Task<ApiResult<std::string>> DirectNotificationApi::export_data(Caller caller, std::string cursor,
                                                                      std::uint32_t limit) {
    auto work = user_data_.export_page(caller.user_id, std::move(cursor), limit);
    co_return co_await loop::run_on(service_loop_, std::move(work));
}

loop::Task<ApiResult<void>> DirectNotificationApi::erase_data(Caller caller) {
    auto work = user_data_.erase(caller.user_id, std::move(caller.traceparent));
    const auto erased = co_await loop::run_on(service_loop_, std::move(work));
    if (!erased) co_return erased.error();
    co_return ApiResult<void>{};
}

loop::Task<bool> DirectNotificationApi::ready() {
    auto work = service_.ready();
    co_return co_await loop::run_on(service_loop_, std::move(work));
}

}  // namespace carillon::app
