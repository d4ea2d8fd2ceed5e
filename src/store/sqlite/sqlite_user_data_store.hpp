#pragma once

#include "store/sqlite/database.hpp"
#include "store/user_data_store.hpp"

namespace carillon::store {

/// What a `SqliteDatabase` keeps of one user. Its contract is the port's. Erased bytes are overwritten in the file.
class SqliteUserDataStore final : public UserDataStore {
 public:
    explicit SqliteUserDataStore(SqliteDatabase& database);

    loop::Task<base::Result<EraseStep>> erase(base::UserId user, base::TimePoint now, std::string traceparent) override;
    loop::Task<base::Result<std::vector<OutboxEvent>>> pending_events(base::UserId user, std::uint64_t after,
                                                                      std::uint32_t limit) override;
    loop::Task<base::Result<std::vector<KeptAnswer>>> kept_answers(base::UserId user, std::uint64_t after,
                                                                   std::uint32_t limit) override;

 private:
    SqliteDatabase& database_;
    metrics::Histogram& erase_duration_;
    metrics::Histogram& export_duration_;
};

}  // namespace carillon::store
