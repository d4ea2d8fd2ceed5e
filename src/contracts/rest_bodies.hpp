#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "contracts/notification.hpp"
#include "contracts/validation.hpp"

/// The JSON bodies of the public REST API, requests and answers. Those that only the services send each other are in
/// internal_bodies.hpp; problems are in problem.hpp.
namespace carillon::contracts {

inline constexpr std::uint32_t kSyncLimitMax = 500;
inline constexpr std::uint32_t kSyncLimitDefault = 100;
inline constexpr std::uint32_t kPageLimitMax = 100;
inline constexpr std::uint32_t kPageLimitDefault = 20;

// --- Accounts
// ---------------------------------------------------------------------------------------------------------

inline constexpr std::size_t kEmailCharsMax = 254;
inline constexpr std::size_t kPasswordCharsMin = 8;
inline constexpr std::size_t kPasswordCharsMax = 256;
inline constexpr std::size_t kUserNameCharsMax = 100;

/// `{email, password, name?}`. The password never goes into a log.
struct RegisterRequest {
    std::string email;  ///< as sent; folding case is the auth service's
    std::string password;
    std::optional<std::string> name;
};

/// `{email, password}`. Any text: what was never registered is a wrong password, not a malformed one.
struct LoginRequest {
    std::string email;
    std::string password;
};

struct User {
    base::UserId id;
    std::string email;
    std::optional<std::string> name;

    bool operator==(const User&) const = default;
};

/// `{user: {id, email, name}, accessToken, expiresIn}`; `name` is null when there is none.
struct AuthAnswer {
    User user;
    std::string access_token;
    std::uint64_t expires_in_s = 0;
};

/// `{id, email, name, permissions}`; `email` and `name` are null for a user who is not registered here.
struct MeAnswer {
    base::UserId id;
    std::optional<std::string> email;
    std::optional<std::string> name;
    std::vector<std::string> permissions;
};

Decoded<RegisterRequest> decode_register_request(std::string_view json);
Decoded<LoginRequest> decode_login_request(std::string_view json);
Decoded<AuthAnswer> decode_auth_answer(std::string_view json);
Decoded<MeAnswer> decode_me_answer(std::string_view json);

std::string encode_register_request(const RegisterRequest& request);
std::string encode_login_request(const LoginRequest& request);
std::string encode_auth_answer(const AuthAnswer& answer);
std::string encode_me_answer(const MeAnswer& answer);

// --- Notifications
// ----------------------------------------------------------------------------------------------------

/// `{userId, type, title, body?, data?}`. `data_json` as in `Notification`.
struct CreateNotification {
    base::UserId user_id;
    std::string type;
    std::string title;
    std::optional<std::string> body;
    std::optional<std::string> data_json;

    bool operator==(const CreateNotification&) const = default;
};

/// `{before?}`; a request without a body is the same as `{}`.
struct ReadAllRequest {
    std::optional<base::Version> before;
};

/// `{data, nextCursor, unreadCount, version}`, newest first; `nextCursor` is null at the end.
struct NotificationPage {
    std::vector<Notification> data;
    std::optional<std::string> next_cursor;
    std::uint64_t unread_count = 0;
    base::Version version = 0;
};

/// `{count, version}`
struct UnreadCount {
    std::uint64_t count = 0;
    base::Version version = 0;

    bool operator==(const UnreadCount&) const = default;
};

/// `{notificationId, readAt, unreadCount, version}`
struct MarkReadAnswer {
    base::NotificationId notification_id;
    base::TimePoint read_at;
    std::uint64_t unread_count = 0;
    base::Version version = 0;

    bool operator==(const MarkReadAnswer&) const = default;
};

/// `{updated, unreadCount, version}`
struct ReadAllAnswer {
    std::uint64_t updated = 0;
    std::uint64_t unread_count = 0;
    base::Version version = 0;

    bool operator==(const ReadAllAnswer&) const = default;
};

/// `{reset, version, unreadCount, readAllBefore?, notifications, createdVersions?, deleted?, hasMore}`: what changed
/// since a version, oldest first, or a snapshot when `reset`. Without `createdVersions` also the ack of
/// `notification:sync`.
struct SyncAnswer {
    bool reset = false;
    base::Version version = 0;
    std::uint64_t unread_count = 0;
    std::optional<base::Version> read_all_before;  ///< all up to that version are read
    std::vector<Notification> notifications;
    std::vector<base::Version> created_versions = {};  ///< of `notifications`, in their order; may be missing
    std::vector<base::NotificationId> deleted;         ///< tombstones; the field is left out when empty
    bool has_more = false;
};

Decoded<CreateNotification> decode_create_notification(std::string_view json);
Decoded<ReadAllRequest> decode_read_all_request(std::string_view json);
Decoded<NotificationPage> decode_notification_page(std::string_view json);
Decoded<UnreadCount> decode_unread_count(std::string_view json);
Decoded<MarkReadAnswer> decode_mark_read_answer(std::string_view json);
Decoded<ReadAllAnswer> decode_read_all_answer(std::string_view json);
Decoded<SyncAnswer> decode_sync_answer(std::string_view json);

std::string encode_create_notification(const CreateNotification& request);
std::string encode_read_all_request(const ReadAllRequest& request);
std::string encode_notification_page(const NotificationPage& page);
std::string encode_unread_count(const UnreadCount& count);
std::string encode_mark_read_answer(const MarkReadAnswer& answer);
std::string encode_read_all_answer(const ReadAllAnswer& answer);
std::string encode_sync_answer(const SyncAnswer& answer);

}  // namespace carillon::contracts
