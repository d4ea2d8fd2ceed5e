#include "notifications/notification_service.hpp"

#include <cassert>
#include <utility>

#include "notifications/idempotent_call.hpp"
#include "notifications/list_cursor.hpp"
#include "notifications/store_problems.hpp"

namespace carillon::notifications {
namespace {

constexpr int kCreatedStatus = 201;

std::optional<store::StatusFilter> parse_status(std::string_view status) {
    if (status.empty() || status == "all") return store::StatusFilter::all;
    if (status == "unread") return store::StatusFilter::unread;
    if (status == "read") return store::StatusFilter::read;
    return std::nullopt;
}

ServiceResult<store::ListQuery> to_query(const ListRequest& request) {
    store::ListQuery query;
    query.user_id = request.user_id;
    if (request.limit < 1 || request.limit > contracts::kPageLimitMax) {
        return contracts::problem_bad_request("limit must be from 1 to 100");
    }
    query.limit = request.limit;
    const auto status = parse_status(request.status);
    if (!status) return contracts::problem_bad_request("status must be all, unread or read");
    query.status = *status;
    if (request.cursor.empty()) return query;
    const auto cursor = decode_cursor(request.cursor, request.user_id);
    if (!cursor) return contracts::problem_bad_request("cursor must be a nextCursor of this list");
    if (cursor->status != query.status) {
        return contracts::problem_bad_request("cursor belongs to a list with another status");
    }
    query.before = cursor->before;
    return query;
}

/// Where the items of a bulk creation stand that were refused, and those that were tried.
class BulkPlaces {
 public:
    explicit BulkPlaces(const contracts::BulkRequest& request) {
        answer_.results.resize(request.items.size());
        for (std::size_t i = 0; i < request.items.size(); ++i) {
            if (request.items[i]) {
                good_.push_back(i);
            } else {
                refuse(answer_.results[i], contracts::to_problem(request.items[i].error()));
            }
        }
    }

    std::size_t good() const { return good_.size(); }
    /// `created` has a result for each good one.
    contracts::BulkAnswer answer(std::vector<ServiceResult<contracts::Notification>> created) && {
        for (std::size_t i = 0; i < created.size(); ++i) {
            auto& result = answer_.results[good_[i]];
            if (created[i]) {
                result.status = kCreatedStatus;
                result.notification = std::move(*created[i]);
            } else {
                refuse(result, created[i].error());
            }
        }
        return std::move(answer_);
    }

 private:
    static void refuse(contracts::BulkResult& result, contracts::Problem problem) {
        result.status = problem.status;
        result.problem = std::move(problem);
    }

    contracts::BulkAnswer answer_;
    std::vector<std::size_t> good_;
};

contracts::SyncAnswer to_answer(store::SyncPage page) {
    contracts::SyncAnswer answer;
    answer.reset = page.reset;
    answer.version = page.state.version;
    answer.unread_count = page.state.unread;
    answer.read_all_before = page.read_all_before;
    answer.notifications = std::move(page.notifications);
    answer.created_versions = std::move(page.created_versions);
    answer.has_more = page.has_more;
    return answer;
}

}  // namespace

NotificationService::NotificationService(store::NotificationStore& store, const base::Clock& clock,
                                         metrics::Registry& metrics)
    : store_{store},
      clock_{clock},
      created_total_{metrics.counter("notifications_created_total", "Notifications that were created")} {}

store::NewNotification NotificationService::make_new(contracts::CreateNotification wanted,
                                                     const std::string& traceparent) const {
    store::NewNotification created;
    created.created_at = clock_.now();
    created.id = base::NotificationId{base::Uuid::generate_v7(created.created_at)};
    created.user_id = wanted.user_id;
    created.type = std::move(wanted.type);
    created.title = std::move(wanted.title);
    created.body = std::move(wanted.body);
    created.data_json = std::move(wanted.data_json);
    created.traceparent = traceparent;
    return created;
}

loop::Task<ServiceResult<NotificationService::Created>> NotificationService::create_each(
    std::vector<store::NewNotification> batch) {
    auto creating = store_.create(std::move(batch));
    auto created = co_await std::move(creating);
    Created results;
    results.value.reserve(created.size());
    for (auto& item : created) {
        if (item) {
            created_total_.increment();
            results.value.emplace_back(std::move(item->notification));
        } else {
            results.value.emplace_back(problem_of(item.error()));
        }
    }
    co_return results;
}

loop::Task<ServiceResult<NotificationService::Created>> NotificationService::create_claimed(
    std::vector<store::NewNotification> batch, store::IdempotencyClaim claim) {
    auto creating = store_.create_once(std::move(batch), claim);
    auto created = co_await std::move(creating);
    if (!created) co_return problem_of(created.error());
    Created results;
    results.replayed = created->replayed;
    results.value.reserve(created->items.size());
    for (auto& item : created->items) {
        if (item) {
            if (!created->replayed) created_total_.increment();
            results.value.emplace_back(std::move(*item));
        } else {
            results.value.emplace_back(problem_of(item.error()));
        }
    }
    co_return results;
}

loop::Task<ServiceResult<Answered<contracts::Notification>>> NotificationService::create(
    contracts::CreateNotification wanted, CallContext context) {
    std::optional<store::IdempotencyClaim> claim;
    if (!context.idempotency_key.empty()) {
        claim = claim_of(context, Operation::create, request_text(wanted), std::nullopt, clock_.now());
    }
    std::vector<store::NewNotification> batch;
    batch.push_back(make_new(std::move(wanted), context.traceparent));
    auto creating = claim ? create_claimed(std::move(batch), *claim) : create_each(std::move(batch));
    auto created = co_await std::move(creating);
    if (!created) co_return created.error();
    assert(created->value.size() == 1);
    auto& one = created->value.front();
    if (one) co_return Answered<contracts::Notification>{std::move(*one), created->replayed};
    auto problem = one.error();
    problem.replayed = created->replayed;
    co_return problem;
}

loop::Task<ServiceResult<Answered<contracts::BulkAnswer>>> NotificationService::create_bulk(
    contracts::BulkRequest wanted, CallContext context) {
    std::optional<store::IdempotencyClaim> claim;
    if (!context.idempotency_key.empty()) {
        claim = claim_of(context, Operation::create_bulk, request_text(wanted), std::nullopt, clock_.now());
    }
    BulkPlaces places{wanted};
    std::vector<store::NewNotification> batch;
    for (auto& item : wanted.items) {
        if (item) batch.push_back(make_new(std::move(*item), context.traceparent));
    }
    if (batch.empty()) co_return Answered<contracts::BulkAnswer>{std::move(places).answer({}), false};
    auto creating = claim ? create_claimed(std::move(batch), *claim) : create_each(std::move(batch));
    auto created = co_await std::move(creating);
    if (!created) co_return created.error();
    if (created->value.size() != places.good()) {
        // Kept by a version of ours that took other items for good.
        co_return contracts::problem_idempotency_mismatch();
    }
    co_return Answered<contracts::BulkAnswer>{std::move(places).answer(std::move(created->value)), created->replayed};
}

loop::Task<base::Result<contracts::Notification>> NotificationService::create_once(contracts::CreateNotification wanted,
                                                                                   std::string consumed_key,
                                                                                   std::string traceparent) {
    std::vector<store::NewNotification> batch;
    batch.push_back(make_new(std::move(wanted), traceparent));
    batch.front().consumed_key = std::move(consumed_key);
    auto creating = store_.create(std::move(batch));
    auto created = co_await std::move(creating);
    assert(created.size() == 1);
    if (!created.front()) co_return created.front().error();
    created_total_.increment();
    co_return std::move(created.front()->notification);
}

loop::Task<ServiceResult<contracts::NotificationPage>> NotificationService::list(ListRequest request) {
    auto query = to_query(request);
    if (!query) co_return query.error();
    auto reading = store_.list(*query);
    auto found = co_await std::move(reading);
    if (!found) co_return problem_of(found.error());
    contracts::NotificationPage page;
    page.data = std::move(found->notifications);
    if (found->next_before) {
        page.next_cursor = encode_cursor(ListCursor{query->status, *found->next_before}, request.user_id);
    }
    page.unread_count = found->state.unread;
    page.version = found->state.version;
    co_return page;
}

loop::Task<ServiceResult<contracts::Notification>> NotificationService::find(base::UserId user,
                                                                             base::NotificationId id) {
    auto reading = store_.find(user, id);
    auto found = co_await std::move(reading);
    if (!found) co_return problem_of(found.error());
    co_return std::move(*found);
}

loop::Task<ServiceResult<std::vector<contracts::UserUnreadCount>>> NotificationService::counts(
    std::vector<base::UserId> users) {
    auto reading = store_.counts(std::move(users));
    const auto found = co_await std::move(reading);
    if (!found) co_return problem_of(found.error());
    std::vector<contracts::UserUnreadCount> counts;
    counts.reserve(found->size());
    for (const auto& user : *found) counts.push_back({user.user_id, user.state.unread, user.state.version});
    co_return counts;
}

loop::Task<ServiceResult<contracts::SyncAnswer>> NotificationService::sync(base::UserId user, base::Version since,
                                                                           std::uint32_t limit) {
    if (limit < 1 || limit > contracts::kSyncLimitMax) {
        co_return contracts::problem_bad_request("limit must be from 1 to 500");
    }
    auto reading = store_.sync(user, since, limit);
    auto page = co_await std::move(reading);
    if (!page) co_return problem_of(page.error());
    co_return to_answer(std::move(*page));
}

loop::Task<ServiceResult<Answered<contracts::MarkReadAnswer>>> NotificationService::mark_read(base::UserId user,
                                                                                              base::NotificationId id,
                                                                                              CallContext context) {
    const auto now = clock_.now();
    const auto claim = claim_of(context, Operation::mark_read, request_text(user, id), user, now);
    auto marking = store_.mark_read(user, id, now, std::move(context.traceparent), claim);
    const auto marked = co_await std::move(marking);
    if (!marked) co_return problem_of(marked.error());
    const contracts::MarkReadAnswer answer{marked->id, marked->read_at, marked->state.unread, marked->state.version};
    co_return Answered<contracts::MarkReadAnswer>{answer, marked->replayed};
}

loop::Task<std::vector<ServiceResult<contracts::MarkReadAnswer>>> NotificationService::mark_read_each(
    std::vector<contracts::ReadsItem> marks) {
    std::vector<store::MarkRead> batch;
    batch.reserve(marks.size());
    for (auto& mark : marks) batch.push_back({mark.user_id, mark.notification_id, std::move(mark.traceparent)});
    auto marking = store_.mark_read_each(std::move(batch), clock_.now());
    const auto marked = co_await std::move(marking);
    std::vector<ServiceResult<contracts::MarkReadAnswer>> results;
    results.reserve(marked.size());
    for (const auto& one : marked) {
        if (one) {
            results.emplace_back(
                contracts::MarkReadAnswer{one->id, one->read_at, one->state.unread, one->state.version});
        } else {
            results.emplace_back(problem_of(one.error()));
        }
    }
    co_return results;
}

loop::Task<ServiceResult<Answered<contracts::ReadAllAnswer>>> NotificationService::read_all(
    base::UserId user, std::optional<base::Version> before, CallContext context) {
    const auto now = clock_.now();
    const auto claim = claim_of(context, Operation::read_all, request_text(user, before), user, now);
    auto reading = store_.read_all(user, before, now, std::move(context.traceparent), claim);
    const auto read = co_await std::move(reading);
    if (!read) co_return problem_of(read.error());
    const contracts::ReadAllAnswer answer{read->updated, read->state.unread, read->state.version};
    co_return Answered<contracts::ReadAllAnswer>{answer, read->replayed};
}

loop::Task<bool> NotificationService::ready() {
    auto checking = store_.check();
    const auto checked = co_await std::move(checking);
    co_return checked.has_value();
}

}  // namespace carillon::notifications
