#include "contracts/contract_cases.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "contracts/bus_events.hpp"
#include "contracts/internal_bodies.hpp"
#include "contracts/notification.hpp"
#include "contracts/problem.hpp"
#include "contracts/rest_bodies.hpp"
#include "contracts/revocations.hpp"
#include "contracts/socket_events.hpp"

namespace carillon::contracts {
namespace {

template <class Decode, class Encode>
ContractCase contract(std::string schema, Decode decode, Encode encode) {
    return {std::move(schema), [decode, encode](std::string_view json) -> std::optional<std::string> {
                const auto decoded = decode(json);
                if (!decoded) return std::nullopt;
                return encode(*decoded);
            }};
}

std::string encode_decoded_bulk(const BulkRequest& request) {
    std::vector<CreateNotification> good;
    for (const auto& item : request.items) {
        if (item) good.push_back(*item);
    }
    return encode_bulk_request(good);
}

std::vector<ContractCase> socket_cases() {
    return {
        contract("socket/auth", decode_auth_message, encode_auth_message),
        contract("socket/notification-read", decode_read_command, encode_read_command),
        contract("socket/notification-read-all", decode_read_all_command, encode_read_all_command),
        contract("socket/notification-sync", decode_sync_command, encode_sync_command),
        contract("socket/notification-new", decode_notification_new,
                 [](const NotificationNew& event) {
                     return encode_notification_new(event.notification, event.unread_count);
                 }),
        contract("socket/notification-updated", decode_notification_updated, encode_notification_updated),
        contract("socket/unread-count-updated", decode_unread_count_updated,
                 [](const UnreadCount& count) { return encode_unread_count_updated(count.count, count.version); }),
        contract("socket/auth-expiring", decode_auth_expiring, encode_auth_expiring),
        contract("socket/server-draining", decode_server_draining, encode_server_draining),
        contract("socket/ack-auth", decode_ack_auth, encode_ack_auth),
        contract(
            "socket/ack-read", decode_ack_read,
            [](const AckRead& ack) { return encode_ack_read(ack.notification_id, ack.unread_count, ack.version); }),
        contract("socket/ack-read-all", decode_ack_read_all, encode_ack_read_all),
        contract("socket/ack-sync", decode_ack_sync, encode_ack_sync),
        contract("socket/ack-error", decode_ack_error, encode_ack_error),
        {"socket/error", {}},
        {"socket/connect-error", {}},
    };
}

std::vector<ContractCase> other_cases() {
    return {
        contract("bus/user-registered", decode_user_registered,
                 [](const UserRegistered& event) { return encode_bus_event(event); }),
        contract("bus/notification-created", decode_notification_created,
                 [](const NotificationCreated& event) { return encode_bus_event(event); }),
        contract("bus/notification-updated", decode_bus_notification_updated,
                 [](const NotificationUpdated& event) { return encode_bus_event(event); }),
        contract("bus/token-revoked", decode_token_revoked,
                 [](const TokenRevoked& event) { return encode_bus_event(event); }),
        contract("http/revocation", decode_revocation, encode_revocation),
        contract("http/revoke-request", decode_revoke_request, encode_revoke_request),
        contract("internal/revocations-answer", decode_revocations_answer, encode_revocations_answer),
        contract("http/register-request", decode_register_request, encode_register_request),
        contract("http/login-request", decode_login_request, encode_login_request),
        contract("http/auth-answer", decode_auth_answer, encode_auth_answer),
        contract("http/me-answer", decode_me_answer, encode_me_answer),
        contract("http/notification", decode_notification, encode_notification),
        contract("http/create-notification", decode_create_notification, encode_create_notification),
        contract("http/notification-page", decode_notification_page, encode_notification_page),
        contract("http/unread-count", decode_unread_count, encode_unread_count),
        contract("http/mark-read-answer", decode_mark_read_answer, encode_mark_read_answer),
        contract("http/read-all-request", decode_read_all_request, encode_read_all_request),
        contract("http/read-all-answer", decode_read_all_answer, encode_read_all_answer),
        contract("http/problem", decode_problem, encode_problem),
        contract("internal/read-request", decode_internal_read_request, encode_internal_read_request),
        contract("internal/read-all-request", decode_internal_read_all_request, encode_internal_read_all_request),
        contract("internal/unread-counts-request", decode_unread_counts_request, encode_unread_counts_request),
        contract("internal/unread-counts-answer", decode_unread_counts_answer, encode_unread_counts_answer),
        contract("internal/bulk-request", decode_bulk_request, encode_decoded_bulk),
        contract("internal/bulk-answer", decode_bulk_answer, encode_bulk_answer),
        contract("internal/reads-request", decode_reads_request, encode_reads_request),
        contract("internal/reads-answer", decode_reads_answer, encode_reads_answer),
        contract("internal/sync-answer", decode_sync_answer, encode_sync_answer),
    };
}

TEST(ContractCases, ThereIsOneForEverySchema) {
    namespace fs = std::filesystem;
    const fs::path root = fs::path{CARILLON_SOURCE_DIR} / "contracts";
    std::set<std::string> schemas;
    for (const char* folder : {"socket", "bus", "http", "internal"}) {
        for (const auto& entry : fs::directory_iterator{root / folder}) {
            schemas.insert(std::string{folder} + "/" + entry.path().stem().string());
        }
    }
    std::set<std::string> cases;
    for (const auto& entry : contract_cases()) cases.insert(entry.schema);
    EXPECT_EQ(cases, schemas);
}

}  // namespace

const std::vector<ContractCase>& contract_cases() {
    static const std::vector<ContractCase> kCases = [] {
        auto cases = socket_cases();
        auto others = other_cases();
        std::move(others.begin(), others.end(), std::back_inserter(cases));
        return cases;
    }();
    return kCases;
}

}  // namespace carillon::contracts
