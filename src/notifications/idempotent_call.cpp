#include "notifications/idempotent_call.hpp"

namespace carillon::notifications {
namespace {

std::string_view name_of(Operation operation) {
    switch (operation) {
        case Operation::create:
            return "create";
        case Operation::create_bulk:
            return "create_bulk";
        case Operation::mark_read:
            return "mark_read";
        case Operation::read_all:
            return "read_all";
    }
    return "";
}

// A line for each part. A key has no line break (it is visible ASCII), and the caller is last.
std::string scope_text(const CallContext& context, Operation operation) {
    std::string text{name_of(operation)};
    text += '\n';
    text += context.idempotency_key;
    text += '\n';
    if (context.caller.on_behalf_of) {
        text += "user ";
        text += context.caller.on_behalf_of->to_string();
    } else {
        text += "service ";
        text += context.caller.service;
    }
    return text;
}

}  // namespace

std::string request_text(const contracts::CreateNotification& request) {
    return contracts::encode_create_notification(request);
}

std::string request_text(const contracts::BulkRequest& request) {
    std::string text;
    for (const auto& item : request.items) {
        text += item ? request_text(*item) : item.error().summary();
        text += '\n';
    }
    return text;
}

std::string request_text(base::UserId user, base::NotificationId id) {
    return user.to_string() + ' ' + id.to_string();
}

std::string request_text(base::UserId user, std::optional<base::Version> before) {
    return user.to_string() + ' ' + (before ? std::to_string(*before) : "now");
}

std::optional<store::IdempotencyClaim> claim_of(const CallContext& context, Operation operation,
                                                std::string_view request, std::optional<base::UserId> subject,
                                                base::TimePoint now) {
    if (context.idempotency_key.empty()) return std::nullopt;
    store::IdempotencyClaim claim;
    claim.key = base::sha256(scope_text(context, operation));
    claim.request = base::sha256(request);
    claim.owner = context.caller.on_behalf_of ? context.caller.on_behalf_of : subject;
    claim.now = now;
    return claim;
}

}  // namespace carillon::notifications
