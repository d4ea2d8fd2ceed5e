#include "store/postgres/database.hpp"

#include <fmt/format.h>

#include <future>
#include <stdexcept>
#include <utility>

#include "loop/run_on.hpp"
#include "loop/suspend.hpp"
#include "store/call_timer.hpp"
#include "store/open_error.hpp"
#include "store/postgres/blocking_connection.hpp"
#include "store/postgres/schema.hpp"
#include "store/postgres/statements.hpp"

namespace carillon::store::postgres {
namespace {

// How often waiting calls are held against their deadlines.
constexpr std::chrono::milliseconds kTick{50};
constexpr std::chrono::milliseconds kClosePause{5};
// A health check that comes sooner after a write does not write again.
constexpr std::chrono::seconds kWriteIsProof{1};

ConnectionTarget session_target(const ConnectionTarget& target, const std::string& schema,
                                const PostgresLimits& limits) {
    ConnectionTarget session = target.for_schema(schema);
    // The server gives up before we do, so that what we report as failed has not been done.
    const auto server_time = limits.time_max * 3 / 4;
    session.set_option("statement_timeout", fmt::format("{}ms", server_time.count()));
    session.set_option("lock_timeout", fmt::format("{}ms", (server_time / 2).count()));
    return session;
}

PoolLimits pool_limits(const PostgresLimits& limits, std::size_t sessions) {
    PoolLimits pool;
    pool.sessions = sessions;
    pool.connect_deadline = limits.connect_time_max;
    return pool;
}

QueryLimits query_limits(const PostgresLimits& limits) {
    QueryLimits queries;
    queries.queue_max = limits.queue_max;
    queries.pipeline_max = limits.pipeline_max;
    queries.time_max = limits.time_max;
    return queries;
}

OutboxLimits outbox_limits(const PostgresLimits& limits) {
    OutboxLimits outbox;
    outbox.lease = limits.outbox_lease;
    outbox.adopt_every = limits.adopt_every;
    return outbox;
}

BatchLimits batch_limits(const PostgresLimits& limits) {
    BatchLimits batches;
    batches.items_max = limits.batch_items_max;
    batches.queue_max = limits.queue_max;
    batches.time_max = limits.time_max;
    return batches;
}

metrics::Gauge& sessions_gauge(metrics::Registry& registry, const char* pool) {
    return registry.gauge("store_sessions_open", "Open connections to the database", {{"pool", pool}});
}

}  // namespace

// What runs on the loop.
struct Database::Parts {
    Parts(const loop::Executor& executor, const ConnectionTarget& target, const Schema& schema,
          const PostgresLimits& limits, metrics::Registry& registry)
        : time_max{limits.time_max},
          writers{std::make_shared<Pool>(executor, target, schema.writes, pool_limits(limits, limits.write_sessions),
                                         connections_log, sessions_gauge(registry, "write"))},
          readers{std::make_shared<Pool>(executor, target, schema.reads, pool_limits(limits, limits.read_sessions),
                                         connections_log, sessions_gauge(registry, "read"))},
          queries{std::make_shared<Queries>(readers, query_limits(limits), reads_log)},
          outbox{std::make_shared<OutboxInstance>(executor, writers, queries, outbox_limits(limits))},
          batcher{std::make_shared<Batcher>(executor, writers, outbox, batch_limits(limits), writes_log, registry)} {}

    static loop::Task<void> keep_time(std::shared_ptr<Parts> parts);
    static loop::Task<void> close(std::shared_ptr<Parts> parts, std::promise<void>& done);
    static loop::Task<base::Result<void>> check(std::shared_ptr<Parts> parts);

    const std::chrono::milliseconds time_max;
    FailureLog connections_log{"connections"};
    FailureLog writes_log{"writes"};
    FailureLog reads_log{"reads"};
    const std::shared_ptr<Pool> writers;
    const std::shared_ptr<Pool> readers;
    const std::shared_ptr<Queries> queries;
    const std::shared_ptr<OutboxInstance> outbox;
    const std::shared_ptr<Batcher> batcher;
    bool closed = false;
};

Database::Database(const PostgresOptions& options, const Schema& schema, loop::Executor executor,
                   metrics::Registry& registry)
    : executor_{std::move(executor)}, registry_{registry} {
    const auto target = ConnectionTarget::parse(options.url);
    applied_ = prepare_schema(target, schema.name, options.schema, options.start_wait, schema.migrations);
    const auto session = session_target(target, schema.name, options.limits);
    parts_ = std::make_shared<Parts>(executor_, session, schema, options.limits, registry);
    BlockingConnection opening{session, options.start_wait};
    try {
        opening.run(fmt::format("INSERT INTO outbox_lease VALUES ('{}', now() + {} * interval '1 ms')",
                                outbox().id().to_string(), options.limits.outbox_lease.count()));
    } catch (const std::runtime_error& error) {
        throw OpenError{
            fmt::format("--database-url: the database {} takes no writes: {}", opening.name(), error.what())};
    }
    loop::post(executor_, [parts = parts_] {
        parts->queries->start();
        parts->batcher->start();
        parts->writers->start();
        parts->readers->start();
        parts->outbox->start();
    });
    loop::spawn(executor_, Parts::keep_time(parts_), "store time");
}

void Database::close() {
    std::promise<void> done;
    auto closed = done.get_future();
    loop::spawn(executor_, Parts::close(parts_, done), "store close");
    closed.wait();
}

loop::Task<void> Database::Parts::keep_time(std::shared_ptr<Parts> parts) {
    while (!parts->closed) {
        auto pausing = loop::sleep_for(kTick);
        co_await std::move(pausing);
        const auto now = std::chrono::steady_clock::now();
        parts->writers->expire(now);
        parts->readers->expire(now);
        parts->queries->expire(now);
        parts->batcher->expire(now);
    }
}

loop::Task<void> Database::Parts::close(std::shared_ptr<Parts> parts, std::promise<void>& done) {
    if (!std::exchange(parts->closed, true)) {
        parts->batcher->close();
        const auto deadline = std::chrono::steady_clock::now() + 2 * parts->time_max;
        while (!parts->batcher->idle() && std::chrono::steady_clock::now() < deadline) {
            auto pausing = loop::sleep_for(kClosePause);
            co_await std::move(pausing);
            const auto now = std::chrono::steady_clock::now();
            parts->writers->expire(now);
            parts->batcher->expire(now);
        }
        parts->outbox->stop();
        Parameters me;
        me.add(parts->outbox->id());
        Request drop{sql::kDropLease, std::move(me)};
        std::function<void(loop::Resume<Queries::Outcome>)> start = [&](loop::Resume<Queries::Outcome> resume) {
            parts->queries->send(std::move(drop), std::move(resume));
        };
        auto dropping = loop::suspend<Queries::Outcome>(std::move(start));
        co_await std::move(dropping);
        parts->queries->close();
        parts->readers->close();
        parts->writers->close();
        // What was under way has just lost its session, and ends.
        while (!parts->batcher->idle()) {
            auto yielding = loop::yield_now();
            co_await std::move(yielding);
        }
    }
    done.set_value();
}

loop::Task<base::Result<void>> Database::Parts::check(std::shared_ptr<Parts> parts) {
    if (parts->closed) co_return errc::unavailable;
    if (std::chrono::steady_clock::now() - parts->outbox->last_write() > kWriteIsProof) {
        auto renewing = OutboxInstance::renew(parts->outbox);
        if (!co_await std::move(renewing)) co_return errc::unavailable;
    }
    std::function<void(loop::Resume<Queries::Outcome>)> start = [&parts](loop::Resume<Queries::Outcome> resume) {
        parts->queries->send(Request{sql::kPing}, std::move(resume));
    };
    auto asking = loop::suspend<Queries::Outcome>(std::move(start));
    const auto answer = co_await std::move(asking);
    if (!answer || parts->writers->down()) co_return errc::unavailable;
    co_return base::Result<void>{};
}

loop::Task<base::Result<void>> Database::check() {
    const CallTimer timer{duration_of("check")};
    auto checking = Parts::check(parts_);
    auto crossing = loop::run_on(executor_, std::move(checking));
    co_return co_await std::move(crossing);
}

loop::Task<Queries::Outcome> Database::query(Request request, metrics::Histogram& duration) {
    const CallTimer timer{duration};
    std::function<void(loop::Resume<Queries::Outcome>)> start = [this,
                                                                 &request](loop::Resume<Queries::Outcome> resume) {
        auto boxed = std::make_shared<Request>(std::move(request));
        loop::post(executor_, [queries = parts_->queries, boxed, resume = std::move(resume)] {
            queries->send(std::move(*boxed), resume);
        });
    };
    auto asking = loop::suspend<Queries::Outcome>(std::move(start));
    co_return co_await std::move(asking);
}

namespace {

// The answers of one call, whose mutations may be applied in several batches. Thread: the database's.
struct Gathering {
    std::vector<Answer> answers;
    std::size_t left = 0;
    loop::Resume<std::vector<Answer>> resume;

    void take(std::size_t index, Answer answer) {
        answers[index] = std::move(answer);
        if (--left > 0) return;
        const auto told = std::exchange(resume, nullptr);
        told(std::move(answers));
    }
};

}  // namespace

loop::Task<std::vector<Answer>> Database::mutate(std::vector<Mutation> mutations, metrics::Histogram& duration) {
    if (mutations.empty()) co_return std::vector<Answer>{};
    const CallTimer timer{duration};
    std::function<void(loop::Resume<std::vector<Answer>>)> start =
        [this, &mutations](loop::Resume<std::vector<Answer>> resume) {
            auto boxed = std::make_shared<std::vector<Mutation>>(std::move(mutations));
            auto gathering = std::make_shared<Gathering>();
            gathering->answers.resize(boxed->size());
            gathering->left = boxed->size();
            gathering->resume = std::move(resume);
            loop::post(executor_, [parts = parts_, boxed, gathering] {
                const auto deadline = std::chrono::steady_clock::now() + parts->time_max;
                for (std::size_t i = 0; i < boxed->size(); ++i) {
                    auto& mutation = (*boxed)[i];
                    mutation.deadline = deadline;
                    mutation.answer = [gathering, i](Answer answer) { gathering->take(i, std::move(answer)); };
                    parts->batcher->post(std::move(mutation));
                }
            });
        };
    auto waiting = loop::suspend<std::vector<Answer>>(std::move(start));
    co_return co_await std::move(waiting);
}

metrics::Histogram& Database::duration_of(const std::string& query) {
    return registry_.histogram("store_query_duration_seconds", "Time of a call of the store, waiting included",
                               {{"query", query}});
}

OutboxInstance& Database::outbox() {
    return *parts_->outbox;
}

const std::shared_ptr<OutboxInstance>& Database::shared_outbox() const {
    return parts_->outbox;
}

const std::shared_ptr<Pool>& Database::writers() const {
    return parts_->writers;
}

std::chrono::milliseconds Database::time_max() const {
    return parts_->time_max;
}

}  // namespace carillon::store::postgres
