#pragma once

#include "store/session_store.hpp"
#include "store/sqlite/database.hpp"

namespace carillon::store {

/// The sessions in a `SqliteDatabase`. Its contract is the port's.
class SqliteSessionStore final : public SessionStore {
 public:
    explicit SqliteSessionStore(SqliteDatabase& database);

    loop::Task<base::Result<void>> begin(Session session, std::uint32_t per_user_max) override;
    loop::Task<base::Result<Session>> find(SessionId id) override;
    loop::Task<base::Result<void>> rotate(SessionId id, base::Digest known, base::Digest renewed,
                                          std::vector<base::TimePoint> rotations) override;
    loop::Task<base::Result<void>> end(SessionId id) override;
    loop::Task<base::Result<std::uint64_t>> end_all(base::UserId user, base::TimePoint begun_before) override;

 private:
    SqliteDatabase& database_;
    metrics::Histogram& begin_duration_;
    metrics::Histogram& find_duration_;
    metrics::Histogram& rotate_duration_;
    metrics::Histogram& end_duration_;
};

}  // namespace carillon::store
