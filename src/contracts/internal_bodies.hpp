#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "contracts/notification.hpp"
#include "contracts/problem.hpp"
#include "contracts/rest_bodies.hpp"
#include "contracts/validation.hpp"

/// The bodies of the notification service's internal API that the public one does not have.
namespace carillon::contracts {

/// Of `notifications` in a bulk create, of `reads`, and of `userIds` in a request for counts.
inline constexpr std::size_t kBulkItemsMax = 1'000;

/// `{userId}`, of `POST /notification/:id/read`.
struct InternalReadRequest {
    base::UserId user_id;
};

/// `{userId, before?}`, of `POST /notification/read-all`.
struct InternalReadAllRequest {
    base::UserId user_id;
    std::optional<base::Version> before;
};

/// `{userIds: [… ≤ 1000]}`
struct UnreadCountsRequest {
    std::vector<base::UserId> user_ids;
};

struct UserUnreadCount {
    base::UserId user_id;
    std::uint64_t count = 0;
    base::Version version = 0;

    bool operator==(const UserUnreadCount&) const = default;
};

/// `{counts: [{userId, count, version}]}`
struct UnreadCountsAnswer {
    std::vector<UserUnreadCount> counts;
};

/// `{notifications: [… ≤ 1000]}`. Each item stands for itself: one that breaks the contract does not refuse the others.
/// Paths in an item's errors start at the item.
struct BulkRequest {
    std::vector<Decoded<CreateNotification>> items;
};

/// One item's result, in the order of the request: a notification, or a problem.
struct BulkResult {
    int status = 500;
    std::optional<Notification> notification;
    std::optional<Problem> problem;
};

/// `{results: [{status, notification?|problem?}]}`
struct BulkAnswer {
    std::vector<BulkResult> results;
};

/// One mark of `ReadsRequest`. `traceparent` as it came; may be empty.
struct ReadsItem {
    base::UserId user_id;
    base::NotificationId notification_id;
    std::string traceparent;
};

/// `{reads: [{userId, notificationId, traceparent?} … ≤ 1000]}`: marks of any users, each for itself.
struct ReadsRequest {
    std::vector<ReadsItem> reads;
};

/// One mark's result, in the order of the request: what marking it alone answers, or a problem.
struct ReadsResult {
    int status = 500;
    std::optional<MarkReadAnswer> read;
    std::optional<Problem> problem;
};

/// `{results: [{status, read?|problem?}]}`
struct ReadsAnswer {
    std::vector<ReadsResult> results;
};

Decoded<InternalReadRequest> decode_internal_read_request(std::string_view json);
Decoded<InternalReadAllRequest> decode_internal_read_all_request(std::string_view json);
Decoded<UnreadCountsRequest> decode_unread_counts_request(std::string_view json);
Decoded<UnreadCountsAnswer> decode_unread_counts_answer(std::string_view json);
Decoded<BulkRequest> decode_bulk_request(std::string_view json);
Decoded<BulkAnswer> decode_bulk_answer(std::string_view json);
Decoded<ReadsRequest> decode_reads_request(std::string_view json);
Decoded<ReadsAnswer> decode_reads_answer(std::string_view json);

std::string encode_internal_read_request(const InternalReadRequest& request);
std::string encode_internal_read_all_request(const InternalReadAllRequest& request);
std::string encode_unread_counts_request(const UnreadCountsRequest& request);
std::string encode_unread_counts_answer(const UnreadCountsAnswer& answer);
std::string encode_bulk_request(const std::vector<CreateNotification>& notifications);
std::string encode_bulk_answer(const BulkAnswer& answer);
std::string encode_reads_request(const ReadsRequest& request);
std::string encode_reads_answer(const ReadsAnswer& answer);

}  // namespace carillon::contracts
