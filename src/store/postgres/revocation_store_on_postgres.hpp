#pragma once

#include "store/postgres/database.hpp"
#include "store/revocation_store.hpp"

namespace carillon::store::postgres {

/// The revocations in the schema `auth`. Its contract is the port's.
class RevocationStoreOnPostgres final : public RevocationStore {
 public:
    explicit RevocationStoreOnPostgres(Database& database);

    loop::Task<base::Result<Added>> add(Revocation revocation, std::optional<IdempotencyClaim> claim,
                                        std::string traceparent) override;
    loop::Task<base::Result<std::vector<Revocation>>> list(Position after, base::TimePoint now,
                                                           std::uint32_t limit) override;
    loop::Task<base::Result<Standing>> standing(base::UserId user, std::string token_id, base::TimePoint issued_at,
                                                base::TimePoint now) override;

 private:
    loop::Task<base::Result<Added>> made_before(IdempotencyClaim claim);

    Database& database_;
    metrics::Histogram& add_duration_;
    metrics::Histogram& list_duration_;
    metrics::Histogram& check_duration_;
};

}  // namespace carillon::store::postgres
