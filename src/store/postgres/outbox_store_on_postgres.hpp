#pragma once

#include "store/outbox_store.hpp"
#include "store/postgres/database.hpp"

namespace carillon::store::postgres {

/// This instance's part of the outbox in one schema: what it committed, and what it took over. Its contract is the
/// port's.
class OutboxStoreOnPostgres final : public OutboxStore {
 public:
    explicit OutboxStoreOnPostgres(Database& database);

    void on_committed(std::function<void(std::vector<OutboxEvent>)> listener) override;
    loop::Task<base::Result<std::vector<OutboxEvent>>> pending(std::uint64_t after, std::uint32_t limit) override;
    loop::Task<base::Result<void>> remove(std::vector<std::uint64_t> sequences) override;
    loop::Task<base::Result<std::uint64_t>> pending_count() override;

 private:
    Database& database_;
    metrics::Histogram& pending_duration_;
    metrics::Histogram& remove_duration_;
};

}  // namespace carillon::store::postgres
