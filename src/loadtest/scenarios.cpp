#include "loadtest/scenarios.hpp"

#include <signal.h>

#include <algorithm>
#include <deque>
#include <queue>
#include <random>
#include <utility>

namespace carillon::loadtest {
namespace {

using namespace std::chrono_literals;
using base::SteadyTime;

constexpr auto kDuplicatesWait = 300ms;
constexpr auto kHopeless = 3s;
constexpr std::chrono::milliseconds kThinkMin{200};  ///< between seeing a notification and marking it as read
constexpr std::chrono::milliseconds kThinkMax{2'000};
constexpr std::chrono::milliseconds kAwayMin{100};
constexpr std::chrono::milliseconds kAwayMax{1'500};
constexpr auto kHoldMax = 15s;            ///< a server that stands still longer loses its clients by their timeouts
constexpr double kMixedChurnShare = 0.2;  ///< of the churn of the scenario of that name

SteadyTime now() {
    return std::chrono::steady_clock::now();
}

/// How many times something was due since the start, at a rate.
class Pace {
 public:
    explicit Pace(double rate) : rate_{rate} {}
    std::uint64_t due() {
        const std::chrono::duration<double> since = now() - start_;
        const auto all = static_cast<std::uint64_t>(since.count() * rate_);
        return all - std::exchange(told_, all);
    }

 private:
    const double rate_;
    const SteadyTime start_ = now();
    std::uint64_t told_ = 0;
};

/// Waits for what is on its way; gives up when nothing has come for the plan's grace.
void drain(Session& session) {
    std::uint64_t seen = session.progress();
    SteadyTime since = now();
    session.serve(SteadyTime::max(), [&] {
        if (std::exchange(seen, session.progress()) != session.progress()) since = now();
        return session.quiet() || now() - since > session.plan().grace;
    });
}

/// Opens all clients. False when the run is to end here.
bool connect_all(Session& session) {
    session.recorder().begin_phase("connect");
    Fleet& fleet = session.fleet();
    const SteadyTime start = now();
    for (const auto& client : fleet.all()) fleet.want(*client, start);
    const auto done = [&fleet, start] {
        // Nobody gets in at all: there is nothing to wait for.
        if (fleet.counts().connected == 0 && fleet.counts().failed > 0 && now() - start > kHopeless) return true;
        return fleet.missing() <= fleet.given_up();
    };
    const double paced =
        session.plan().connect_rate > 0 ? static_cast<double>(fleet.size()) / session.plan().connect_rate : 0;
    const auto longest = std::chrono::milliseconds{static_cast<std::int64_t>(paced * 1'000)} +
                         session.plan().connect_timeout + session.plan().grace;
    session.serve(start + longest, done);
    session.recorder().end_phase();
    session.result().connect_seconds = std::chrono::duration<double>(now() - start).count();
    return !session.stopped() && fleet.ready() > 0;
}

/// Marks notifications as read some time after they have reached a tab.
class Readers {
 public:
    explicit Readers(Session& session) : session_{session} {
        session.on_notification = [this](SocketIoClient& client, base::NotificationId id) { consider(client, id); };
    }
    ~Readers() { session_.on_notification = nullptr; }
    Readers(const Readers&) = delete;
    Readers& operator=(const Readers&) = delete;

    void tick() {
        const SteadyTime time = now();
        while (!due_.empty() && due_.top().when <= time) {
            Due next = due_.top();
            due_.pop();
            SocketIoClient& client = *session_.fleet().all()[next.client];
            if (session_.mark(client, next.id) || !client.listening) continue;
            const SteadyTime later = session_.may_send_at(client.user);
            if (later <= time) continue;  // another tab has marked it
            next.when = later;
            due_.push(next);
        }
    }

 private:
    struct Due {
        SteadyTime when;
        std::uint32_t client = 0;
        base::NotificationId id;
        bool operator>(const Due& other) const { return when > other.when; }
    };

    void consider(SocketIoClient& client, base::NotificationId id) {
        // One tab of the user does it: each has its share.
        if (!std::bernoulli_distribution{session_.plan().read_share /
                                         static_cast<double>(session_.plan().tabs)}(random_)) {
            return;
        }
        std::uniform_int_distribution<std::int64_t> think{kThinkMin.count(), kThinkMax.count()};
        due_.push({now() + std::chrono::milliseconds{think(random_)}, client.index, id});
    }

    Session& session_;
    std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
    std::minstd_rand random_{7};
};

/// Sends random clients away, to come back soon: half of them say goodbye, half just vanish.
class Churn {
 public:
    Churn(Session& session, double clients_per_second) : session_{session}, pace_{clients_per_second} {}

    void tick() {
        const auto& all = session_.fleet().all();
        std::uniform_int_distribution<std::size_t> which{0, all.size() - 1};
        std::uniform_int_distribution<std::int64_t> away{kAwayMin.count(), kAwayMax.count()};
        for (std::uint64_t i = pace_.due(); i > 0; --i) {
            SocketIoClient& client = *all[which(random_)];
            if (!client.listening) continue;
            session_.leave_until(client, random_() % 2 == 0, now() + std::chrono::milliseconds{away(random_)});
        }
    }

 private:
    Session& session_;
    Pace pace_;
    std::minstd_rand random_{11};
};

/// Creates notifications for the users in turn: at the plan's rate, or as fast as the source takes them.
class Pushes {
 public:
    explicit Pushes(Session& session)
        : session_{session}, pace_{session.plan().rate}, end_{now() + session.plan().duration} {}

    void tick() {
        if (session_.plan().rate <= 0) {
            while (!done() && session_.source().takes_more()) push();
            return;
        }
        if (done()) return;
        for (std::uint64_t i = pace_.due(); i > 0 && !enough(); --i) push();
    }
    bool done() const { return session_.plan().events > 0 ? enough() : now() >= end_; }
    /// The latest end: of a run by time, its duration; of one by number, when it ought to be done.
    SteadyTime end() const { return session_.plan().events > 0 ? SteadyTime::max() : end_; }

 private:
    bool enough() const { return session_.plan().events > 0 && sent_ >= session_.plan().events; }
    void push() {
        session_.push(static_cast<std::uint32_t>(sent_ % session_.plan().users));
        ++sent_;
    }

    Session& session_;
    Pace pace_;
    const SteadyTime end_;
    std::uint64_t sent_ = 0;
};

void after_run(Session& session) {
    drain(session);
    session.recorder().end_phase();
    // What comes twice may come late.
    session.serve(now() + kDuplicatesWait, [] { return false; });
}

void run_connect(Session& session) {
    session.recorder().begin_phase("idle");
    session.serve(now() + session.plan().duration, [] { return false; });
}

/// A process that stands still while this lives; 0: none.
class HeldProcess {
 public:
    explicit HeldProcess(int pid) : pid_{pid} {
        if (pid_ > 0) ::kill(pid_, SIGSTOP);
    }
    ~HeldProcess() {
        if (pid_ > 0) ::kill(pid_, SIGCONT);
    }
    HeldProcess(const HeldProcess&) = delete;
    HeldProcess& operator=(const HeldProcess&) = delete;

 private:
    const int pid_;
};

/// All events at once, to a gateway that finds them waiting: deliveries are timed from when it goes on.
void run_backlog(Session& session) {
    session.recorder().begin_phase("backlog");
    {
        const HeldProcess held{session.plan().processes.front().pid};
        Pushes pushes{session};
        session.serve(now() + kHoldMax, [&] {
            pushes.tick();
            return pushes.done() && session.source().in_flight() == 0;
        });
    }
    session.recorder().begin_phase("run");
    session.restart_delivery_time();
    after_run(session);
}

void run_push(Session& session) {
    const HeldProcess frozen{session.plan().freeze_pid};
    if (session.plan().hold) return run_backlog(session);
    session.recorder().begin_phase("run");
    Pushes pushes{session};
    session.serve(pushes.end(), [&pushes] {
        pushes.tick();
        return pushes.done();
    });
    after_run(session);
}

void run_churn(Session& session) {
    session.recorder().begin_phase("run");
    Pushes pushes{session};
    Churn churn{session, session.plan().churn_rate * static_cast<double>(session.fleet().size())};
    session.serve(pushes.end(), [&] {
        pushes.tick();
        churn.tick();
        return pushes.done();
    });
    after_run(session);
}

void run_mixed(Session& session) {
    session.recorder().begin_phase("run");
    Pushes pushes{session};
    Readers readers{session};
    Churn churn{session, session.plan().churn_rate * kMixedChurnShare * static_cast<double>(session.fleet().size())};
    session.serve(pushes.end(), [&] {
        pushes.tick();
        readers.tick();
        churn.tick();
        return pushes.done();
    });
    after_run(session);
}

/// How many notifications each user needs for the marks of a run.
std::uint64_t stock_of(const Plan& plan) {
    if (plan.events > 0) return (plan.events + plan.users - 1) / plan.users;
    const double seconds = std::chrono::duration<double>(plan.duration).count();
    const double allowed = plan.message_rate > 0 ? plan.message_rate : 1'000;
    const double per_user = plan.rate > 0 ? std::min(plan.rate / static_cast<double>(plan.users), allowed) : allowed;
    return static_cast<std::uint64_t>(per_user * seconds) + 1;
}

/// Creates enough unread notifications for each user, then marks them: at the plan's rate, or as fast as the users may
/// and the answers come.
void run_read(Session& session) {
    const Plan& plan = session.plan();
    std::vector<std::deque<base::NotificationId>> unread(plan.users);
    session.on_notification = [&unread](SocketIoClient& client, base::NotificationId id) {
        if (client.tab == 0) unread[client.user].push_back(id);
    };
    session.recorder().begin_phase("stock");
    std::uint64_t made = 0;
    const std::uint64_t wanted = stock_of(plan) * plan.users;
    session.serve(SteadyTime::max(), [&] {
        while (made < wanted && session.source().takes_more()) {
            session.push(static_cast<std::uint32_t>(made++ % plan.users));
        }
        return made == wanted;
    });
    drain(session);

    session.recorder().begin_phase("run");
    Pace pace{plan.rate};
    std::uint64_t due = 0;
    std::uint64_t turn = 0;
    std::uint64_t marks = 0;
    for (const auto& ids : unread) marks += ids.size();
    if (plan.events > 0) marks = std::min(marks, plan.events);
    const auto end = plan.events > 0 ? SteadyTime::max() : now() + plan.duration;
    session.serve(end, [&] {
        const std::uint64_t under_way = session.reads().in_flight();
        due = plan.rate > 0 ? due + pace.due() : plan.marking - std::min<std::uint64_t>(plan.marking, under_way);
        due = std::min(due, marks - session.reads().counts().sent);
        // A user that may not send yet is passed over; each turn looks at each user once.
        for (std::size_t looked = 0; due > 0 && looked < plan.users; ++looked, ++turn) {
            auto& ids = unread[turn % plan.users];
            if (ids.empty()) continue;
            auto& client = session.fleet().client(static_cast<std::uint32_t>(turn % plan.users),
                                                  static_cast<std::uint32_t>(turn / plan.users % plan.tabs));
            if (!session.mark(client, ids.front())) continue;
            ids.pop_front();
            --due;
        }
        return session.reads().counts().sent == marks;
    });
    after_run(session);
    session.on_notification = nullptr;
}

/// All connections break at once, and all clients come back at once, while notifications go on.
void storm(Session& session, const std::function<void()>& meanwhile) {
    session.recorder().begin_phase("storm");
    Fleet& fleet = session.fleet();
    StormResult result;
    result.clients = fleet.ready();
    fleet.set_pace(0, fleet.size());
    fleet.connect_latency().clear();
    const SteadyTime start = now();
    if (session.plan().kill_pid > 0) {
        // They notice by themselves, and are brought back as after any loss.
        const auto dropped = fleet.counts().dropped;
        ::kill(session.plan().kill_pid, SIGKILL);
        session.serve(start + session.plan().connect_timeout, [&] {
            meanwhile();
            return fleet.counts().dropped - dropped >= result.clients;
        });
    } else {
        for (const auto& client : fleet.all()) {
            if (client->ready()) session.leave_until(*client, false, start);
        }
    }
    const auto since = [start] { return to_ms(now() - start); };
    session.serve(start + session.plan().connect_timeout + session.plan().grace, [&] {
        meanwhile();
        if (!result.back_ms && fleet.ready() == result.clients) result.back_ms = since();
        if (result.back_ms && session.current() == result.clients) result.current_ms = since();
        return result.current_ms.has_value();
    });
    result.back = fleet.ready();
    result.client_back = fleet.connect_latency().summary();
    session.result().storm = result;
    fleet.set_pace(session.plan().connect_rate, session.plan().connecting);
}

void run_storm(Session& session) {
    session.recorder().begin_phase("run");
    Pushes pushes{session};
    const auto calm = session.plan().duration / 3;
    const auto push = [&pushes] {
        pushes.tick();
        return pushes.done();
    };
    session.serve(now() + calm, push);
    if (session.stopped()) return;
    storm(session, [&pushes] { pushes.tick(); });
    session.recorder().begin_phase("after");
    session.serve(pushes.end(), push);
    after_run(session);
}

}  // namespace

void run_scenario(Session& session) {
    session.fleet().retry = session.plan().scenario != Scenario::connect;
    if (session.plan().scenario != Scenario::connect) session.source().prepare();
    if (!connect_all(session)) return;
    if (session.plan().scenario == Scenario::connect) return run_connect(session);
    session.settle();
    if (session.stopped()) return;
    switch (session.plan().scenario) {
        case Scenario::push:
            return run_push(session);
        case Scenario::read:
            return run_read(session);
        case Scenario::churn:
            return run_churn(session);
        case Scenario::mixed:
            return run_mixed(session);
        case Scenario::storm:
            return run_storm(session);
        case Scenario::connect:
            return;
    }
}

}  // namespace carillon::loadtest
