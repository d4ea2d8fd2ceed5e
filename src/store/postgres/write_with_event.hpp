#pragma once

#include <functional>
#include <memory>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "loop/task.hpp"
#include "store/outbox_store.hpp"
#include "store/postgres/outbox_instance.hpp"
#include "store/postgres/pool.hpp"

namespace carillon::store::postgres {

/// One transaction that changes something and commits its one event: the change in one round trip, the event in a
/// second, so that a lost connection leaves a transaction whose id is known.
struct WriteWithEvent {
    std::shared_ptr<OutboxInstance> outbox;
    std::shared_ptr<Pool> writers;
    /// What is to be written. BEGIN and the question for the transaction's id come before it.
    std::function<void(Request&)> add_change;
    /// Looks at the rows of the change, whose first are those of the two before it (`kChangeRows`). An error rolls
    /// back.
    std::function<base::Result<void>(const std::vector<Rows>&)> check;
    base::UserId user;
    OutboxEvent event;
    base::SteadyTime deadline;

    /// Of the first statement of the change.
    static constexpr std::size_t kChangeRows = 2;
};

/// On the executor of the pool. Errors: those of `check`, and unavailable.
loop::Task<base::Result<void>> write_with_event(WriteWithEvent write);

}  // namespace carillon::store::postgres
