#pragma once

#include "store/notification_store.hpp"
#include "store/postgres/database.hpp"

namespace carillon::store::postgres {

/// The inboxes in the schema `notification`. Its contract is the port's.
class NotificationStoreOnPostgres final : public NotificationStore {
 public:
    explicit NotificationStoreOnPostgres(Database& database);

    loop::Task<std::vector<base::Result<Created>>> create(std::vector<NewNotification> batch) override;
    loop::Task<base::Result<CreatedOnce>> create_once(std::vector<NewNotification> batch,
                                                      IdempotencyClaim claim) override;
    loop::Task<base::Result<MarkedRead>> mark_read(base::UserId user, base::NotificationId id, base::TimePoint now,
                                                   std::string traceparent,
                                                   std::optional<IdempotencyClaim> claim) override;
    loop::Task<std::vector<base::Result<MarkedRead>>> mark_read_each(std::vector<MarkRead> batch,
                                                                     base::TimePoint now) override;
    loop::Task<base::Result<ReadAll>> read_all(base::UserId user, std::optional<base::Version> before,
                                               base::TimePoint now, std::string traceparent,
                                               std::optional<IdempotencyClaim> claim) override;
    loop::Task<base::Result<NotificationPage>> list(ListQuery query) override;
    loop::Task<base::Result<contracts::Notification>> find(base::UserId user, base::NotificationId id) override;
    loop::Task<base::Result<std::vector<UserCount>>> counts(std::vector<base::UserId> users) override;
    loop::Task<base::Result<SyncPage>> sync(base::UserId user, base::Version since, std::uint32_t limit) override;
    loop::Task<base::Result<void>> check() override;

 private:
    loop::Task<base::Result<CreatedOnce>> as_first_created(std::vector<base::NotificationId> ids);

    Database& database_;
    struct Durations {
        metrics::Histogram& create;
        metrics::Histogram& mark_read;
        metrics::Histogram& read_all;
        metrics::Histogram& list;
        metrics::Histogram& find;
        metrics::Histogram& counts;
        metrics::Histogram& sync;
    } durations_;
};

}  // namespace carillon::store::postgres
