#include "store/postgres/write_with_event.hpp"

#include <utility>
#include <vector>

#include "store/errc.hpp"
#include "store/postgres/statements.hpp"

namespace carillon::store::postgres {
namespace {

loop::Task<base::Result<void>> write_in(std::shared_ptr<Session> session, WriteWithEvent write) {
    const auto deadline = write.deadline;
    const auto roll_back = [&session, deadline] {
        session->send(Request{sql::kRollback}, deadline, [](const Reply&) {});
    };
    Request change{sql::kBegin};
    change.add(sql::kTransactionId);
    write.add_change(change);
    auto changing = Session::call(session, std::move(change), deadline);
    const auto changed = co_await std::move(changing);
    if (changed.failure) {
        if (!changed.failure->lost()) roll_back();
        co_return errc::unavailable;
    }
    const auto checked = write.check(changed.rows);
    if (!checked) {
        roll_back();
        co_return checked.error();
    }

    auto& outbox = *write.outbox;
    const auto range = outbox.ledger().reserve(1);
    std::vector<OutboxEvent> events;
    events.push_back(std::move(write.event));
    const std::vector<base::UserId> users{write.user};
    Request finish;
    outbox.add_insert(finish, range, events, users);
    finish.add(sql::kCommit);
    auto finishing = Session::call(session, std::move(finish), deadline);
    const auto finished = co_await std::move(finishing);
    if (!finished.failure) {
        outbox.wrote();
        outbox.ledger().committed(range, std::move(events));
        co_return base::Result<void>{};
    }
    if (finished.failure->lost()) {
        outbox.in_doubt(range, changed.rows.at(1).number(0, 0));
    } else {
        outbox.ledger().dropped(range);
        roll_back();
    }
    co_return errc::unavailable;
}

}  // namespace

loop::Task<base::Result<void>> write_with_event(WriteWithEvent write) {
    const auto writers = write.writers;
    auto leasing = Pool::lease_when_free(writers, write.deadline);
    const auto session = co_await std::move(leasing);
    if (!session) co_return errc::unavailable;
    auto writing = write_in(session, std::move(write));
    const auto result = co_await std::move(writing);
    writers->release(session);
    co_return result;
}

}  // namespace carillon::store::postgres
