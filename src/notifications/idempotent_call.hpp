#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "contracts/internal_bodies.hpp"
#include "contracts/rest_bodies.hpp"
#include "notifications/call_context.hpp"
#include "store/idempotency.hpp"

/// Which calls are the same: what the claim of an idempotency key is made of.
namespace carillon::notifications {

/// The routes that keys are scoped to, whether they come by HTTP or by a direct call.
enum class Operation { create, create_bulk, mark_read, read_all };

/// What is asked, as text: equal for equal requests, whatever spaces they were written with.
std::string request_text(const contracts::CreateNotification& request);
std::string request_text(const contracts::BulkRequest& request);
std::string request_text(base::UserId user, base::NotificationId id);
std::string request_text(base::UserId user, std::optional<base::Version> before);

/// Nothing when the call has no key. `subject`: whose inbox it is, when it is one.
std::optional<store::IdempotencyClaim> claim_of(const CallContext& context, Operation operation,
                                                std::string_view request, std::optional<base::UserId> subject,
                                                base::TimePoint now);

}  // namespace carillon::notifications
