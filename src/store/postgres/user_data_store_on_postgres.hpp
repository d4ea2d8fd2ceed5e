#pragma once

#include "store/postgres/database.hpp"
#include "store/user_data_store.hpp"

namespace carillon::store::postgres {

/// What the schema `notification` keeps of one user. Its contract is the port's. What is erased can be read by nobody
/// from then on; its bytes leave the files with the next vacuum.
class UserDataStoreOnPostgres final : public UserDataStore {
 public:
    explicit UserDataStoreOnPostgres(Database& database);

    loop::Task<base::Result<EraseStep>> erase(base::UserId user, base::TimePoint now, std::string traceparent) override;
    loop::Task<base::Result<std::vector<OutboxEvent>>> pending_events(base::UserId user, std::uint64_t after,
                                                                      std::uint32_t limit) override;
    loop::Task<base::Result<std::vector<KeptAnswer>>> kept_answers(base::UserId user, std::uint64_t after,
                                                                   std::uint32_t limit) override;

 private:
    Database& database_;
    metrics::Histogram& erase_duration_;
    metrics::Histogram& export_duration_;
};

}  // namespace carillon::store::postgres
