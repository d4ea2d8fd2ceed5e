#pragma once

#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "notifications/notification_service.hpp"
#include "store/notification_store.hpp"
#include "store/user_data_store.hpp"

namespace carillon::notifications {

struct ErasedUser {
    std::uint64_t notifications = 0;
};

/// The duties to one user: handing out what is kept, and erasing it. Problems and threads as `NotificationService`.
class UserDataService {
 public:
    /// All three outlive the service.
    UserDataService(store::NotificationStore& notifications, store::UserDataStore& data, const base::Clock& clock)
        : notifications_{notifications}, data_{data}, clock_{clock} {}

    /// One page as a JSON object, `contracts/http/user-data.json`, `inbox`: at most `limit` (1 to 100) things, first
    /// the notifications, newest first, then what is pending for the bus, then the answers kept for idempotency keys.
    /// `cursor`: empty, or the `nextCursor` of the page before. `not_found`: nothing is kept. `bad_request`: limit or
    /// cursor.
    loop::Task<ServiceResult<std::string>> export_page(base::UserId user, std::string cursor, std::uint32_t limit);
    /// Everything; how many notifications went. Also for a user nobody knows. `unavailable` when it takes too long:
    /// what was erased is erased, and the next call goes on.
    loop::Task<ServiceResult<ErasedUser>> erase(base::UserId user, std::string traceparent);

 private:
    // Constant after construction.
    store::NotificationStore& notifications_;
    store::UserDataStore& data_;
    const base::Clock& clock_;
};

}  // namespace carillon::notifications
