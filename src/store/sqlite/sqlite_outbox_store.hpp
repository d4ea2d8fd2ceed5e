#pragma once

#include "store/outbox_store.hpp"
#include "store/sqlite/database.hpp"

namespace carillon::store {

/// One of the two outboxes in a `SqliteDatabase`. Its contract is the port's.
class SqliteOutboxStore final : public OutboxStore {
 public:
    SqliteOutboxStore(SqliteDatabase& database, OutboxName name);

    void on_committed(std::function<void(std::vector<OutboxEvent>)> listener) override;
    loop::Task<base::Result<std::vector<OutboxEvent>>> pending(std::uint64_t after, std::uint32_t limit) override;
    loop::Task<base::Result<void>> remove(std::vector<std::uint64_t> sequences) override;
    loop::Task<base::Result<std::uint64_t>> pending_count() override;

 private:
    SqliteDatabase& database_;
    const OutboxName name_;
    metrics::Histogram& pending_duration_;
    metrics::Histogram& remove_duration_;
};

}  // namespace carillon::store
