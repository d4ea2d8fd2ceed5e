#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "loop/task.hpp"
#include "metrics/registry.hpp"
#include "store/failure_log.hpp"
#include "store/migration.hpp"
#include "store/postgres/batcher.hpp"
#include "store/postgres/connection_target.hpp"
#include "store/postgres/outbox_instance.hpp"
#include "store/postgres/pool.hpp"
#include "store/postgres/postgres.hpp"
#include "store/postgres/queries.hpp"

namespace carillon::store::postgres {

/// One schema of the database, as one service uses it: brought up to date, then reached through two pools of sessions,
/// one whose transactions change things and one for everything else. The stores are thin views of it and must not
/// outlive it.
///
/// Everything but the opening happens on `executor`, which is one thread. Calls may come from any.
class Database {
 public:
    struct Schema {
        std::string name;
        const std::vector<Migration>& migrations;
        const std::vector<const Statement*>& writes;
        const std::vector<const Statement*>& reads;
    };

    /// Blocks: connects, brings the schema up to date, takes a lease in the outbox. Throws `OpenError`.
    Database(const PostgresOptions& options, const Schema& schema, loop::Executor executor,
             metrics::Registry& registry);
    /// After `close`, or when the loop has ended.
    ~Database() = default;
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    const std::vector<AppliedMigration>& applied() const { return applied_; }
    /// Takes no more calls, finishes those that wait, gives the lease back and ends the sessions. Blocks. Thread: any
    /// but the executor's, whose loop must run.
    void close();

    // For the stores. Thread: any; a call goes on where it was made.

    /// The rows of each statement of `request`, which stands for itself.
    loop::Task<Queries::Outcome> query(Request request, metrics::Histogram& duration);
    /// The answers of `mutations`, in order; `answer` of each is set here.
    loop::Task<std::vector<Answer>> mutate(std::vector<Mutation> mutations, metrics::Histogram& duration);
    loop::Task<base::Result<void>> check();
    metrics::Histogram& duration_of(const std::string& query);
    OutboxInstance& outbox();
    const std::shared_ptr<OutboxInstance>& shared_outbox() const;
    const std::shared_ptr<Pool>& writers() const;
    const loop::Executor& executor() const { return executor_; }
    std::chrono::milliseconds time_max() const;

 private:
    struct Parts;

    const loop::Executor executor_;
    metrics::Registry& registry_;
    std::vector<AppliedMigration> applied_;
    std::shared_ptr<Parts> parts_;  // shared with what still runs on the loop when this goes
};

}  // namespace carillon::store::postgres
