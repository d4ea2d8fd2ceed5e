#pragma once

#include "store/revocation_store.hpp"
#include "store/sqlite/database.hpp"

namespace carillon::store {

/// The revocations in a `SqliteDatabase`. Its contract is the port's.
class SqliteRevocationStore final : public RevocationStore {
 public:
    explicit SqliteRevocationStore(SqliteDatabase& database);

    loop::Task<base::Result<Added>> add(Revocation revocation, std::optional<IdempotencyClaim> claim,
                                        std::string traceparent) override;
    loop::Task<base::Result<std::vector<Revocation>>> list(Position after, base::TimePoint now,
                                                           std::uint32_t limit) override;
    loop::Task<base::Result<Standing>> standing(base::UserId user, std::string token_id, base::TimePoint issued_at,
                                                base::TimePoint now) override;

 private:
    SqliteDatabase& database_;
    metrics::Histogram& add_duration_;
    metrics::Histogram& list_duration_;
    metrics::Histogram& check_duration_;
};

}  // namespace carillon::store
