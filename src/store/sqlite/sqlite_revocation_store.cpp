#include "store/sqlite/sqlite_revocation_store.hpp"

#include <utility>

#include "store/outbox_events.hpp"
#include "store/sqlite/requests.hpp"
#include "store/sqlite/statements.hpp"

namespace carillon::store {
namespace {

using Added = RevocationStore::Added;

constexpr std::uint32_t kExpiredAtOnce = 100;

Revocation revocation_of(const SqliteQuery& row) {
    Revocation revocation;
    revocation.id = row.id<RevocationId>(0);
    revocation.user = row.id<base::UserId>(1);
    revocation.token_id = row.optional_text(2);
    revocation.issued_before = row.time(3);
    revocation.revoked_at = row.time(4);
    revocation.expires_at = row.time(5);
    return revocation;
}

std::optional<base::Result<Added>> made_before(SqliteConnection& connection, const IdempotencyClaim& claim) {
    SqliteQuery row{connection, sql::kRevocationByClaim, claim.key};
    if (!row.next()) return std::nullopt;
    if (row.digest(6) != claim.request) return base::Result<Added>{errc::key_reused};
    return base::Result<Added>{Added{revocation_of(row), true}};
}

base::Result<Added> add_revocation(WriteTransaction& transaction, const Revocation& revocation,
                                   const std::optional<IdempotencyClaim>& claim, const std::string& traceparent) {
    auto& connection = transaction.connection();
    if (claim) {
        if (auto before = made_before(connection, *claim)) return std::move(*before);
    }
    connection.run(sql::kRemoveExpiredRevocations, revocation.revoked_at, kExpiredAtOnce);
    const auto key = claim ? std::optional{claim->key} : std::nullopt;
    const auto request = claim ? std::optional{claim->request} : std::nullopt;
    connection.run(sql::kInsertRevocation, revocation.id, revocation.user, revocation.token_id,
                   revocation.issued_before, revocation.revoked_at, revocation.expires_at, key, request);
    transaction.add_event(OutboxName::auth, revoked_event(revocation, traceparent));
    return Added{revocation, false};
}

}  // namespace

SqliteRevocationStore::SqliteRevocationStore(SqliteDatabase& database)
    : database_{database},
      add_duration_{database.duration_of("add_revocation")},
      list_duration_{database.duration_of("list_revocations")},
      check_duration_{database.duration_of("is_revoked")} {}

loop::Task<base::Result<Added>> SqliteRevocationStore::add(Revocation revocation, std::optional<IdempotencyClaim> claim,
                                                           std::string traceparent) {
    std::function<base::Result<Added>(WriteTransaction&)> work =
        [revocation = std::move(revocation), claim, traceparent = std::move(traceparent)](
            WriteTransaction& transaction) { return add_revocation(transaction, revocation, claim, traceparent); };
    co_return co_await mutate<Added>(database_.writer(), add_duration_, std::move(work));
}

loop::Task<base::Result<std::vector<Revocation>>> SqliteRevocationStore::list(Position after, base::TimePoint now,
                                                                              std::uint32_t limit) {
    using Found = std::vector<Revocation>;
    std::function<base::Result<Found>(SqliteConnection&)> work = [after, now, limit](SqliteConnection& connection) {
        Found found;
        SqliteQuery rows{connection, sql::kListRevocations, after.revoked_at, after.id, now, limit};
        while (rows.next()) found.push_back(revocation_of(rows));
        return base::Result<Found>{std::move(found)};
    };
    co_return co_await query<Found>(database_.readers(), list_duration_, std::move(work));
}

loop::Task<base::Result<Standing>> SqliteRevocationStore::standing(base::UserId user, std::string token_id,
                                                                   base::TimePoint issued_at, base::TimePoint now) {
    std::function<base::Result<Standing>(SqliteConnection&)> work = [user, token_id = std::move(token_id), issued_at,
                                                                     now](SqliteConnection& connection) {
        SqliteQuery row{connection, sql::kIsRevoked, user, token_id, issued_at, now};
        return base::Result<Standing>{row.next() ? Standing::revoked : Standing::good};
    };
    co_return co_await query<Standing>(database_.readers(), check_duration_, std::move(work));
}

}  // namespace carillon::store
