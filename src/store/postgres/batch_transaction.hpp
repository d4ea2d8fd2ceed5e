#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "loop/task.hpp"
#include "store/postgres/mutation.hpp"
#include "store/postgres/outbox_instance.hpp"
#include "store/postgres/session.hpp"

/// One transaction for many mutations, in two round trips: lock and read, decide, write and commit. Internal to the
/// room.
namespace carillon::store::postgres {

enum class Checks {
    few,  ///< a new id is taken to be new; one that is not fails the transaction
    all,
};

struct BatchOutcome {
    std::optional<Failure> failure;  ///< nothing was applied; if the connection was lost, nobody knows yet
    std::vector<Answer> answers;     ///< without a failure: one for each mutation
};

/// `batch` outlives the call. Thread: the executor's.
loop::Task<BatchOutcome> run_batch(std::shared_ptr<OutboxInstance> outbox, std::shared_ptr<Session> session,
                                   const std::vector<Mutation>& batch, Checks checks, base::SteadyTime deadline);

}  // namespace carillon::store::postgres
