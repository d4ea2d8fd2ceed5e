#include "store/postgres/outbox_store_on_postgres.hpp"

#include <utility>

#include "loop/run_on.hpp"
#include "store/postgres/statements.hpp"

namespace carillon::store::postgres {
namespace {

loop::Task<std::uint64_t> settled_of(std::shared_ptr<OutboxInstance> outbox) {
    co_return outbox->ledger().settled();
}

loop::Task<void> note_removed(std::shared_ptr<OutboxInstance> outbox, std::vector<std::uint64_t> sequences) {
    outbox->removed(sequences);
    co_return;
}

}  // namespace

OutboxStoreOnPostgres::OutboxStoreOnPostgres(Database& database)
    : database_{database},
      pending_duration_{database.duration_of("outbox_pending")},
      remove_duration_{database.duration_of("outbox_remove")} {}

void OutboxStoreOnPostgres::on_committed(std::function<void(std::vector<OutboxEvent>)> listener) {
    database_.outbox().ledger().listen(std::move(listener));
}

loop::Task<base::Result<std::vector<OutboxEvent>>> OutboxStoreOnPostgres::pending(std::uint64_t after,
                                                                                  std::uint32_t limit) {
    // What is not settled may still be joined by smaller sequences, which a reader that goes on from the last would
    // miss.
    auto asking = loop::run_on(database_.executor(), settled_of(database_.shared_outbox()));
    const std::uint64_t settled = co_await std::move(asking);
    Parameters parameters;
    parameters.add(database_.outbox().id()).add(after).add(settled).add(limit);
    auto reading = database_.query(Request{sql::kPendingEvents, std::move(parameters)}, pending_duration_);
    const auto found = co_await std::move(reading);
    if (!found) co_return found.error();
    co_return events_of(found->front());
}

loop::Task<base::Result<void>> OutboxStoreOnPostgres::remove(std::vector<std::uint64_t> sequences) {
    if (sequences.empty()) co_return base::Result<void>{};
    Parameters parameters;
    parameters.add(database_.outbox().id()).add(sequences);
    // A removal that a crash of the server undoes is done again (`OutboxInstance::removed`).
    Request request{sql::kBegin};
    request.add(sql::kCommitLater).add(sql::kRemoveEvents, std::move(parameters)).add(sql::kCommit);
    auto removing = database_.query(std::move(request), remove_duration_);
    const auto removed = co_await std::move(removing);
    if (!removed) co_return removed.error();
    auto noting = loop::run_on(database_.executor(), note_removed(database_.shared_outbox(), std::move(sequences)));
    co_await std::move(noting);
    co_return base::Result<void>{};
}

loop::Task<base::Result<std::uint64_t>> OutboxStoreOnPostgres::pending_count() {
    Parameters parameters;
    parameters.add(database_.outbox().id());
    auto counting = database_.query(Request{sql::kCountEvents, std::move(parameters)}, pending_duration_);
    const auto counted = co_await std::move(counting);
    if (!counted) co_return counted.error();
    co_return counted->front().number(0, 0);
}

}  // namespace carillon::store::postgres
