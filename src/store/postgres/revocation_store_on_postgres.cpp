#include "store/postgres/revocation_store_on_postgres.hpp"

#include <utility>

#include "loop/run_on.hpp"
#include "store/call_timer.hpp"
#include "store/outbox_events.hpp"
#include "store/postgres/statements.hpp"
#include "store/postgres/write_with_event.hpp"

namespace carillon::store::postgres {
namespace {

constexpr std::uint32_t kExpiredAtOnce = 100;

Revocation revocation_of(const Rows& rows, std::size_t row) {
    Revocation revocation;
    revocation.id = rows.id<RevocationId>(row, 0);
    revocation.user = rows.id<base::UserId>(row, 1);
    revocation.token_id = rows.optional_text(row, 2);
    revocation.issued_before = rows.time(row, 3);
    revocation.revoked_at = rows.time(row, 4);
    revocation.expires_at = rows.time(row, 5);
    return revocation;
}

void add_insert(Request& request, const Revocation& revocation, const std::optional<IdempotencyClaim>& claim) {
    Parameters row;
    row.add(revocation.id).add(revocation.user).add(revocation.token_id).add(revocation.issued_before);
    row.add(revocation.revoked_at).add(revocation.expires_at);
    row.add(claim ? std::optional{claim->key} : std::nullopt);
    row.add(claim ? std::optional{claim->request} : std::nullopt);
    Parameters expired;
    expired.add(revocation.revoked_at).add(kExpiredAtOnce);
    request.add(sql::kInsertRevocation, std::move(row)).add(sql::kRemoveExpiredRevocations, std::move(expired));
}

// Nothing is inserted when the claim's key has a row.
base::Result<void> was_inserted(const std::vector<Rows>& rows) {
    if (rows.at(WriteWithEvent::kChangeRows).changed() == 0) return errc::already_applied;
    return {};
}

}  // namespace

RevocationStoreOnPostgres::RevocationStoreOnPostgres(Database& database)
    : database_{database},
      add_duration_{database.duration_of("add_revocation")},
      list_duration_{database.duration_of("list_revocations")},
      check_duration_{database.duration_of("is_revoked")} {}

loop::Task<base::Result<RevocationStore::Added>> RevocationStoreOnPostgres::made_before(IdempotencyClaim claim) {
    Parameters parameters;
    parameters.add(claim.key);
    auto finding = database_.query(Request{sql::kRevocationByClaim, std::move(parameters)}, add_duration_);
    const auto found = co_await std::move(finding);
    if (!found) co_return found.error();
    const Rows& rows = found->front();
    if (rows.size() == 0) co_return errc::unavailable;  // it expired meanwhile: once more
    if (rows.digest(0, 6) != claim.request) co_return errc::key_reused;
    co_return Added{revocation_of(rows, 0), true};
}

loop::Task<base::Result<RevocationStore::Added>> RevocationStoreOnPostgres::add(Revocation revocation,
                                                                                std::optional<IdempotencyClaim> claim,
                                                                                std::string traceparent) {
    const CallTimer timer{add_duration_};
    WriteWithEvent write;
    write.outbox = database_.shared_outbox();
    write.writers = database_.writers();
    write.add_change = [revocation, claim](Request& request) { add_insert(request, revocation, claim); };
    write.check = was_inserted;
    write.user = revocation.user;
    write.event = revoked_event(revocation, std::move(traceparent));
    write.deadline = std::chrono::steady_clock::now() + database_.time_max();
    auto writing = write_with_event(std::move(write));
    auto crossing = loop::run_on(database_.executor(), std::move(writing));
    const auto written = co_await std::move(crossing);
    if (written) co_return Added{std::move(revocation), false};
    if (written.error() != errc::already_applied || !claim) co_return written.error();
    auto looking = made_before(*claim);
    co_return co_await std::move(looking);
}

loop::Task<base::Result<std::vector<Revocation>>> RevocationStoreOnPostgres::list(Position after, base::TimePoint now,
                                                                                  std::uint32_t limit) {
    Parameters parameters;
    parameters.add(after.revoked_at).add(after.id).add(now).add(limit);
    auto listing = database_.query(Request{sql::kListRevocations, std::move(parameters)}, list_duration_);
    const auto listed = co_await std::move(listing);
    if (!listed) co_return listed.error();
    const Rows& rows = listed->front();
    std::vector<Revocation> found;
    for (std::size_t row = 0; row < rows.size(); ++row) found.push_back(revocation_of(rows, row));
    co_return found;
}

loop::Task<base::Result<Standing>> RevocationStoreOnPostgres::standing(base::UserId user, std::string token_id,
                                                                       base::TimePoint issued_at, base::TimePoint now) {
    Parameters parameters;
    parameters.add(user).add(token_id).add(issued_at).add(now);
    auto checking = database_.query(Request{sql::kIsRevoked, std::move(parameters)}, check_duration_);
    const auto checked = co_await std::move(checking);
    if (!checked) co_return checked.error();
    co_return checked->front().size() > 0 ? Standing::revoked : Standing::good;
}

}  // namespace carillon::store::postgres
