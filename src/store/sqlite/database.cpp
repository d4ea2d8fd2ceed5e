#include "store/sqlite/database.hpp"

#include <fmt/format.h>

#include <utility>

#include "store/errc.hpp"
#include "store/open_error.hpp"
#include "store/sqlite/requests.hpp"
#include "store/sqlite/statements.hpp"

namespace carillon::store {
namespace {

// secure_delete is on in Debian's build: it would write zeros over every page that the outbox frees. FAST clears what
// is deleted in pages that are written anyway, and leaves the rest to the erasure of a user.
std::string writer_settings(std::chrono::milliseconds busy_timeout) {
    return fmt::format(
        "PRAGMA busy_timeout = {};"
        "PRAGMA journal_mode = WAL;"
        "PRAGMA synchronous = FULL;"
        "PRAGMA foreign_keys = ON;"
        "PRAGMA secure_delete = FAST;"
        "PRAGMA cache_size = -32768;"
        "PRAGMA journal_size_limit = 67108864;"
        "PRAGMA temp_store = MEMORY",
        busy_timeout.count());
}

// A health check that comes sooner after a commit does not write again.
constexpr std::chrono::seconds kCommitIsProof{1};

base::Result<void> beat(WriteTransaction& transaction) {
    transaction.connection().run(sql::kBeat);
    return {};
}

base::Result<void> look(SqliteConnection& connection) {
    SqliteQuery query{connection, sql::kReadBeat};
    query.next();
    return {};
}

}  // namespace

SqliteDatabase::SqliteDatabase(SqliteOptions options, metrics::Registry& registry)
    : registry_{registry}, clock_{*options.clock}, directory_{options.directory} {
    SqliteConnection connection{file(), SqliteAccess::read_write};
    connection.execute(writer_settings(options.busy_timeout));
    // A file that is no database shows here, and is better explained by the schema's checks.
    const auto failure = connection.take_failure();
    applied_ = prepare_schema(connection, file(), options.schema);
    if (failure) throw OpenError{fmt::format("cannot set up the database {}: {}", file().string(), *failure)};
    for (std::size_t i = 0; i < kOutboxNames; ++i) {
        SqliteQuery count{connection, sql::kCountEvents[i]};
        if (count.next()) outbox_sizes_[i] = count.integer(0);
    }
    if (const auto broken = connection.take_failure()) {
        throw OpenError{fmt::format("cannot read the database {}: {}", file().string(), *broken)};
    }
    readers_ = std::make_unique<SqliteReaders>(file(), options.readers);
    writer_ = std::make_unique<SqliteWriter>(std::move(connection), options.writer, clock_,
                                             [this](OutboxChanges changes) { committed(std::move(changes)); });
}

SqliteDatabase::~SqliteDatabase() {
    close();
}

void SqliteDatabase::close() {
    // Readers first: then nothing keeps the writer from folding in the whole log.
    readers_->close();
    writer_->close();
}

loop::Task<base::Result<void>> SqliteDatabase::check() {
    auto& duration = duration_of("check");
    const bool write = clock_.steady_now() - last_commit_.load() > kCommitIsProof;
    if (write) {
        std::function<base::Result<void>(WriteTransaction&)> work = beat;
        const auto written = co_await mutate<void>(writer(), duration, std::move(work));
        if (!written) co_return written;
    }
    std::function<base::Result<void>(SqliteConnection&)> work = look;
    co_return co_await query<void>(readers(), duration, std::move(work));
}

metrics::Histogram& SqliteDatabase::duration_of(const std::string& query) {
    return registry_.histogram("store_query_duration_seconds", "Time of a call of the store, waiting included",
                               {{"query", query}});
}

void SqliteDatabase::on_committed(OutboxName outbox, std::function<void(std::vector<OutboxEvent>)> listener) {
    const std::lock_guard lock{listeners_mutex_};
    listeners_[static_cast<std::size_t>(outbox)] = std::move(listener);
}

std::uint64_t SqliteDatabase::outbox_size(OutboxName outbox) const {
    return static_cast<std::uint64_t>(outbox_sizes_[static_cast<std::size_t>(outbox)].load());
}

void SqliteDatabase::committed(OutboxChanges changes) {
    last_commit_ = clock_.steady_now();
    const std::lock_guard lock{listeners_mutex_};
    for (std::size_t i = 0; i < kOutboxNames; ++i) {
        auto& change = changes[i];
        outbox_sizes_[i] += static_cast<std::int64_t>(change.added.size()) - change.removed;
        if (!change.added.empty() && listeners_[i]) listeners_[i](std::move(change.added));
    }
}

}  // namespace carillon::store
