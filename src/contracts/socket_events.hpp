#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "contracts/error_codes.hpp"
#include "contracts/notification.hpp"
#include "contracts/rest_bodies.hpp"
#include "contracts/validation.hpp"

/// The payloads of the Socket.IO events: what stands behind the event's name in the packet. Encoders write compact
/// JSON; `append_*` are for the hot path, which builds a frame in one buffer.
namespace carillon::contracts {

// The names of the events.
inline constexpr std::string_view kAuthEvent = "AUTH";
inline constexpr std::string_view kNotificationReadEvent = "notification:read";
inline constexpr std::string_view kNotificationReadAllEvent = "notification:read-all";
inline constexpr std::string_view kNotificationSyncEvent = "notification:sync";
inline constexpr std::string_view kNotificationNewEvent = "notification:new";
inline constexpr std::string_view kNotificationUpdatedEvent = "notification:updated";
inline constexpr std::string_view kUnreadCountUpdatedEvent = "unreadCount:updated";
inline constexpr std::string_view kAuthExpiringEvent = "auth:expiring";
inline constexpr std::string_view kServerDrainingEvent = "server:draining";
inline constexpr std::string_view kErrorEvent = "error";

// --- In
// ---------------------------------------------------------------------------------------------------------------

inline constexpr std::size_t kTokenCharsMax = 8'192;

/// `AUTH` `{token}`. The token never goes into a log.
struct AuthMessage {
    std::string token;
};

/// `notification:read` `{notificationId}`.
struct ReadCommand {
    base::NotificationId notification_id;
};

/// `notification:read-all`: nothing, null, or `{before?}`. `before` includes that version.
struct ReadAllCommand {
    std::optional<base::Version> before;
};

/// `notification:sync` `{since, limit?}`. `since` excludes that version.
struct SyncCommand {
    base::Version since = 0;
    std::uint32_t limit = kSyncLimitDefault;
};

// `json` is the text of the event's first argument; empty when it has none.
Decoded<AuthMessage> decode_auth_message(std::string_view json);
Decoded<ReadCommand> decode_read_command(std::string_view json);
Decoded<ReadAllCommand> decode_read_all_command(std::string_view json);
Decoded<SyncCommand> decode_sync_command(std::string_view json);

std::string encode_auth_message(const AuthMessage& message);
std::string encode_read_command(const ReadCommand& command);
std::string encode_read_all_command(const ReadAllCommand& command);
std::string encode_sync_command(const SyncCommand& command);

// --- Out
// --------------------------------------------------------------------------------------------------------------

/// `notification:new`. `notification.version` is the row's; `read_at` does not travel.
struct NotificationNew {
    Notification notification;
    std::uint64_t unread_count = 0;
};

enum class UpdateAction { read, read_all };

/// The names "read" and "read-all".
std::string_view to_string(UpdateAction action);

/// `notification:updated`, and the heart of the bus event of that name. `notification_id` is there for `read` only,
/// `before` and `reset` for `read_all` only. `before`: what has this version or an older one was read, and nothing newer.
/// `reset`: notifications were erased, so what a client has is to be forgotten and read anew.
struct InboxChange {
    UpdateAction action = UpdateAction::read;
    std::optional<base::NotificationId> notification_id;
    std::uint64_t unread_count = 0;
    base::Version version = 0;
    bool reset = false;
    std::optional<base::Version> before = std::nullopt;

    bool operator==(const InboxChange&) const = default;
};

void append_notification_new(std::string& out, const Notification& notification, std::uint64_t unread_count);
void append_notification_updated(std::string& out, const InboxChange& change);
void append_unread_count_updated(std::string& out, std::uint64_t count, base::Version version);

std::string encode_notification_new(const Notification& notification, std::uint64_t unread_count);
std::string encode_notification_updated(const InboxChange& change);
std::string encode_unread_count_updated(std::uint64_t count, base::Version version);
std::string encode_auth_expiring(base::TimePoint expires_at);
std::string encode_server_draining(std::uint64_t retry_after_ms);

// For clients: the load test and the end-to-end tests.
Decoded<NotificationNew> decode_notification_new(std::string_view json);
Decoded<InboxChange> decode_notification_updated(std::string_view json);
Decoded<UnreadCount> decode_unread_count_updated(std::string_view json);
Decoded<base::TimePoint> decode_auth_expiring(std::string_view json);
Decoded<std::uint64_t> decode_server_draining(std::string_view json);

// --- Acks
// -------------------------------------------------------------------------------------------------------------

/// `{ok: true, userId}`
std::string encode_ack_auth(base::UserId user_id);
/// `{ok: true, notificationId, unreadCount, version}`
std::string encode_ack_read(base::NotificationId id, std::uint64_t unread_count, base::Version version);
/// `{ok: true, updated, unreadCount, version}`
std::string encode_ack_read_all(const ReadAllAnswer& answer);
/// `{ok: true, reset, version, unreadCount, readAllBefore?, notifications, hasMore}`
std::string encode_ack_sync(const SyncAnswer& answer);

struct AckError {
    AckErrorCode code = AckErrorCode::internal;
    std::string message;
    std::optional<std::uint64_t> retry_after_ms;  ///< with `rate_limited` and `unavailable`
};

/// `{ok: false, error: {code, message, retryAfterMs?}}`
std::string encode_ack_error(const AckError& error);
/// Payload of the event `error`, for a command without an ack: the ack's body, and the three fields beside it at the
/// top.
std::string encode_error_event(const AckError& error);
/// Body of CONNECT_ERROR: `{message, data: {code}}`
std::string encode_connect_error(ConnectErrorCode code, std::string_view message);

/// What an ack to `notification:read` says when it is ok.
struct AckRead {
    base::NotificationId notification_id;
    std::uint64_t unread_count = 0;
    base::Version version = 0;
};

Decoded<base::UserId> decode_ack_auth(std::string_view json);
Decoded<AckRead> decode_ack_read(std::string_view json);
Decoded<ReadAllAnswer> decode_ack_read_all(std::string_view json);
Decoded<SyncAnswer> decode_ack_sync(std::string_view json);
Decoded<AckError> decode_ack_error(std::string_view json);

}  // namespace carillon::contracts
