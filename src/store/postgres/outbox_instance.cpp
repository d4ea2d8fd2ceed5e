#include "store/postgres/outbox_instance.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/log.hpp"
#include "loop/suspend.hpp"
#include "store/postgres/statements.hpp"

namespace carillon::store::postgres {
namespace {

constexpr int kRenewalsPerLease = 5;
constexpr std::chrono::milliseconds kDoubtPause{100};
constexpr std::chrono::milliseconds kAdoptDeadline{4'000};

}  // namespace

std::vector<OutboxEvent> events_of(const Rows& rows) {
    std::vector<OutboxEvent> events;
    events.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        OutboxEvent event;
        event.sequence = rows.number(i, 0);
        event.event_id = rows.id<base::EventId>(i, 1);
        event.created_at = rows.time(i, 2);
        event.subject = rows.text(i, 3);
        event.payload = rows.text(i, 4);
        event.traceparent = rows.text(i, 5);
        events.push_back(std::move(event));
    }
    return events;
}

OutboxInstance::OutboxInstance(loop::Executor executor, std::shared_ptr<Pool> writers, std::shared_ptr<Queries> queries,
                               OutboxLimits limits)
    : executor_{std::move(executor)},
      writers_{std::move(writers)},
      queries_{std::move(queries)},
      limits_{limits},
      id_{base::Uuid::generate_v7(base::system_clock().now())} {}

void OutboxInstance::start() {
    renewed_ = std::chrono::steady_clock::now();  // opening took the lease
    loop::spawn(executor_, keep_lease(shared_from_this()), "outbox lease");
    loop::spawn(executor_, keep_adopting(shared_from_this()), "outbox adoption");
}

void OutboxInstance::stop() {
    stopped_ = true;
}

void OutboxInstance::add_insert(Request& request, OutboxLedger::Range range, std::vector<OutboxEvent>& events,
                                const std::vector<base::UserId>& users) const {
    std::vector<base::EventId> ids;
    std::vector<base::TimePoint> times;
    std::vector<std::string_view> subjects;
    std::vector<std::string_view> payloads;
    std::vector<std::string_view> traces;
    for (std::size_t i = 0; i < events.size(); ++i) {
        auto& event = events[i];
        event.sequence = range.first + i;
        ids.push_back(event.event_id);
        times.push_back(event.created_at);
        subjects.emplace_back(event.subject);
        payloads.emplace_back(event.payload);
        traces.emplace_back(event.traceparent);
    }
    Parameters parameters;
    parameters.add(id_).add(range.first).add(users).add(ids).add(times).add(subjects).add(payloads).add(traces);
    request.add(sql::kInsertEvents, std::move(parameters));
}

// --- Transactions whose end nobody heard

void OutboxInstance::in_doubt(OutboxLedger::Range range, std::uint64_t xid) {
    doubts_.push_back({range, xid});
    if (std::exchange(settling_, true)) return;
    loop::spawn(executor_, settle_doubts(shared_from_this()), "outbox doubts");
}

loop::Task<void> OutboxInstance::settle_doubts(std::shared_ptr<OutboxInstance> self) {
    while (!self->doubts_.empty() && !self->stopped_) {
        auto settling = settle_doubt(self, self->doubts_.front());
        if (co_await std::move(settling)) {
            self->doubts_.erase(self->doubts_.begin());
            continue;
        }
        auto pausing = loop::sleep_for(kDoubtPause);
        co_await std::move(pausing);
    }
    self->settling_ = false;
}

loop::Task<bool> OutboxInstance::settle_doubt(std::shared_ptr<OutboxInstance> self, Doubt doubt) {
    Parameters xid;
    xid.add(doubt.xid);
    auto asking = ask(self, Request{sql::kTransactionStatus, std::move(xid)});
    const auto status = co_await std::move(asking);
    if (!status) co_return false;
    const auto& rows = status->front();
    const std::string_view known = rows.size() == 1 && !rows.is_null(0, 0) ? rows.text(0, 0) : "aborted";
    if (known == "in progress") co_return false;
    if (known != "committed") {
        self->ledger_.dropped(doubt.range);
        co_return true;
    }
    Parameters range;
    range.add(self->id_).add(doubt.range.first - 1).add(doubt.range.last()).add(doubt.range.size);
    auto reading = ask(self, Request{sql::kPendingEvents, std::move(range)});
    const auto found = co_await std::move(reading);
    if (!found) co_return false;
    base::log_info("a change whose answer was lost has been applied", {{"events", found->front().size()}});
    self->ledger_.committed(doubt.range, events_of(found->front()));
    co_return true;
}

// --- The lease

loop::Task<void> OutboxInstance::keep_lease(std::shared_ptr<OutboxInstance> self) {
    while (!self->stopped_) {
        auto pausing = loop::sleep_for(self->limits_.lease / kRenewalsPerLease);
        co_await std::move(pausing);
        if (self->stopped_) co_return;
        const std::size_t removed_before = self->removed_.size();
        auto renewing = renew(self);
        if (!co_await std::move(renewing) || removed_before == 0) continue;
        if (self->losses_ == self->writers_->losses()) {
            // The renewal waited for the disk, and what was committed before it is there, too.
            self->removed_.erase(self->removed_.begin(),
                                 self->removed_.begin() + static_cast<std::ptrdiff_t>(removed_before));
        } else {
            auto removing = remove_again(self);
            co_await std::move(removing);
        }
    }
}

// After a session was lost: the server may have crashed. The rows stay noted until the next renewal.
loop::Task<void> OutboxInstance::remove_again(std::shared_ptr<OutboxInstance> self) {
    const auto losses = self->writers_->losses();
    Parameters rows;
    rows.add(self->id_).add(self->removed_);
    auto removing = ask(self, Request{sql::kRemoveEvents, std::move(rows)});
    if (co_await std::move(removing)) self->losses_ = losses;
}

void OutboxInstance::removed(const std::vector<std::uint64_t>& sequences) {
    if (removed_.empty()) losses_ = writers_->losses();
    removed_.insert(removed_.end(), sequences.begin(), sequences.end());
}

loop::Task<bool> OutboxInstance::renew(std::shared_ptr<OutboxInstance> self) {
    Parameters lease;
    lease.add(self->id_).add(static_cast<std::int64_t>(self->limits_.lease.count()));
    auto renewing = ask(self, Request{sql::kRenewLease, std::move(lease)});
    const auto renewed = co_await std::move(renewing);
    if (!renewed) co_return false;
    const auto now = std::chrono::steady_clock::now();
    if (now - self->renewed_ > self->limits_.lease) {
        // The database was away, or we were. The others, in the same case, must have the time to renew theirs.
        self->adopt_from_ = now + self->limits_.lease;
    }
    self->renewed_ = now;
    self->wrote();
    co_return true;
}

// --- Adoption

loop::Task<void> OutboxInstance::keep_adopting(std::shared_ptr<OutboxInstance> self) {
    while (!self->stopped_) {
        const bool renewed = std::chrono::steady_clock::now() - self->renewed_ < self->limits_.lease;
        if (renewed && std::chrono::steady_clock::now() >= self->adopt_from_) {
            Parameters me;
            me.add(self->id_);
            auto looking = ask(self, Request{sql::kDeadInstances, std::move(me)});
            const auto dead = co_await std::move(looking);
            for (std::size_t i = 0; dead && i < dead->front().size() && !self->stopped_; ++i) {
                auto adopting = adopt_from(self, dead->front().id<InstanceId>(i, 0));
                co_await std::move(adopting);
            }
            if (dead) {
                auto cleaning = ask(self, Request{sql::kDropDeadLeases});
                co_await std::move(cleaning);
            }
        }
        auto pausing = loop::sleep_for(self->limits_.adopt_every);
        co_await std::move(pausing);
    }
}

loop::Task<void> OutboxInstance::adopt_from(std::shared_ptr<OutboxInstance> self, InstanceId dead) {
    std::uint64_t adopted = 0;
    for (;;) {
        auto leasing = Pool::lease_when_free(self->writers_, std::chrono::steady_clock::now() + kAdoptDeadline);
        const auto session = co_await std::move(leasing);
        if (!session) break;
        auto adopting = adopt_some(self, session, dead);
        const auto some = co_await std::move(adopting);
        self->writers_->release(session);
        adopted += some;
        if (some < self->limits_.adopt_rows_max || self->stopped_) break;
    }
    if (adopted == 0) co_return;
    base::log_info("events of an instance that is gone were taken over",
                   {{"instance", dead.to_string()}, {"events", adopted}});
}

loop::Task<std::uint64_t> OutboxInstance::adopt_some(std::shared_ptr<OutboxInstance> self,
                                                     std::shared_ptr<Session> session, InstanceId dead) {
    const auto deadline = std::chrono::steady_clock::now() + kAdoptDeadline;
    Request begin{sql::kBegin};
    begin.add(sql::kTransactionId);
    auto beginning = Session::call(session, std::move(begin), deadline);
    const auto begun = co_await std::move(beginning);
    if (begun.failure) co_return 0;
    const auto xid = begun.rows.at(1).number(0, 0);

    const auto range = self->ledger_.reserve(self->limits_.adopt_rows_max);
    Parameters parameters;
    parameters.add(self->id_).add(range.first).add(dead).add(range.size);
    Request adopt{sql::kAdopt, std::move(parameters)};
    adopt.add(sql::kCommit);
    auto adopting = Session::call(session, std::move(adopt), deadline);
    const auto adopted = co_await std::move(adopting);
    if (!adopted.failure) {
        auto events = events_of(adopted.rows.front());
        std::sort(events.begin(), events.end(),
                  [](const auto& one, const auto& other) { return one.sequence < other.sequence; });
        const std::uint64_t count = events.size();
        self->ledger_.committed(range, std::move(events));
        co_return count;
    }
    if (adopted.failure->lost()) {
        self->in_doubt(range, xid);
    } else {
        self->ledger_.dropped(range);
        session->send(Request{sql::kRollback}, deadline, [](const Reply&) {});
    }
    co_return 0;
}

loop::Task<Queries::Outcome> OutboxInstance::ask(std::shared_ptr<OutboxInstance> self, Request request) {
    std::function<void(loop::Resume<Queries::Outcome>)> start = [&self,
                                                                 &request](loop::Resume<Queries::Outcome> resume) {
        self->queries_->send(std::move(request), std::move(resume));
    };
    auto asking = loop::suspend<Queries::Outcome>(std::move(start));
    co_return co_await std::move(asking);
}

}  // namespace carillon::store::postgres
