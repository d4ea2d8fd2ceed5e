#include "store/sqlite/idempotency_claims.hpp"

#include "base/log.hpp"
#include "store/errc.hpp"
#include "store/sqlite/statements.hpp"

namespace carillon::store {
namespace {

// Two go for each that comes: so the table shrinks to what is due, and nobody waits for it.
constexpr std::int64_t kPrunedAtOnce = 2;

void prune(SqliteConnection& connection, base::TimePoint now, std::uint64_t newest) {
    const std::uint64_t surplus = newest > kIdempotencyKeysMax ? newest - kIdempotencyKeysMax : 0;
    connection.run(sql::kPruneKeys, now - kIdempotencyLifetime, surplus, kPrunedAtOnce);
}

}  // namespace

base::Result<std::optional<FirstAnswer>> find_first_answer(SqliteConnection& connection,
                                                           const IdempotencyClaim& claim) {
    bool expired = false;
    {
        SqliteQuery row{connection, sql::kFirstAnswer, claim.key};
        if (!row.next()) return std::optional<FirstAnswer>{};
        expired = row.time(1) <= claim.now - kIdempotencyLifetime;
        if (!expired) {
            if (row.digest(0) != claim.request) return errc::key_reused;
            auto answer = decode_first_answer(row.text(2));
            if (answer) return answer;
            base::log_error("an answer kept for an idempotency key cannot be read", {{"sequence", row.number(3)}});
            return errc::unavailable;
        }
    }
    connection.run(sql::kForgetKey, claim.key);
    return std::optional<FirstAnswer>{};
}

void keep_first_answer(SqliteConnection& connection, const IdempotencyClaim& claim, const FirstAnswer& answer) {
    const std::string text = encode_first_answer(answer);
    std::optional<base::Uuid> owner;
    if (claim.owner) owner = claim.owner->uuid;
    connection.run(sql::kKeepAnswer, claim.key, claim.request, owner, claim.now, text);
    prune(connection, claim.now, connection.last_row_id());
}

}  // namespace carillon::store
