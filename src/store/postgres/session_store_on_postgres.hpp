#pragma once

#include "store/postgres/database.hpp"
#include "store/session_store.hpp"

namespace carillon::store::postgres {

/// The sessions in the schema `auth`. Its contract is the port's.
class SessionStoreOnPostgres final : public SessionStore {
 public:
    explicit SessionStoreOnPostgres(Database& database);

    loop::Task<base::Result<void>> begin(store::Session session, std::uint32_t per_user_max) override;
    loop::Task<base::Result<store::Session>> find(SessionId id) override;
    loop::Task<base::Result<void>> rotate(SessionId id, base::Digest known, base::Digest renewed,
                                          std::vector<base::TimePoint> rotations) override;
    loop::Task<base::Result<void>> end(SessionId id) override;
    loop::Task<base::Result<std::uint64_t>> end_all(base::UserId user, base::TimePoint begun_before) override;

 private:
    Database& database_;
    metrics::Histogram& begin_duration_;
    metrics::Histogram& find_duration_;
    metrics::Histogram& rotate_duration_;
    metrics::Histogram& end_duration_;
};

}  // namespace carillon::store::postgres
