#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <list>
#include <random>
#include <string>

#include "loop/event_loop.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/sqlite_notification_store.hpp"

// Creates a second with many callers at once, each waiting for its answer, on a real file with synchronous=FULL.
namespace carillon::store {
namespace {

constexpr std::size_t kUsers = 10'000;
constexpr std::int64_t kCreatesPerRun = 20'000;

class BenchDirectory {
 public:
    BenchDirectory() {
        // Not /tmp, which may be memory.
        std::string name = (std::filesystem::current_path() / "create-bench-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    ~BenchDirectory() { std::filesystem::remove_all(path_); }
    const std::filesystem::path& path() const { return path_; }

 private:
    std::filesystem::path path_;
};

NewNotification sample(base::UserId user) {
    NewNotification wanted;
    wanted.id = base::NotificationId::generate(base::system_clock());
    wanted.user_id = user;
    wanted.type = "comment.created";
    wanted.title = "Ada commented on your document";
    wanted.body = std::string(120, 'x');
    wanted.created_at = base::system_clock().now();
    return wanted;
}

struct Run {
    NotificationStore& store;
    const std::vector<base::UserId>& users;
    std::int64_t left;
    std::size_t callers;
    std::promise<void> done{};
};

loop::Task<void> call(Run& run, unsigned seed) {
    std::mt19937 random{seed};
    while (run.left > 0) {
        --run.left;
        std::vector<NewNotification> batch{sample(run.users[random() % run.users.size()])};
        (co_await run.store.create(std::move(batch))).at(0).value();
    }
    if (--run.callers == 0) run.done.set_value();
}

void create_one_by_one(benchmark::State& state) {
    const BenchDirectory directory;
    metrics::Registry registry;
    SqliteOptions options;
    options.directory = directory.path();
    SqliteDatabase database{options, registry};
    SqliteNotificationStore store{database};
    std::vector<base::UserId> users;
    for (std::size_t i = 0; i < kUsers; ++i) users.push_back(base::UserId::generate(base::system_clock()));
    std::list<Run> runs;  // outlives the loop, whose last step may still touch one
    loop::EventLoop loop{"bench"};
    loop.start();
    const auto commits = database.writer().commits();
    for (auto _ : state) {
        Run& run = runs.emplace_back(store, users, kCreatesPerRun, static_cast<std::size_t>(state.range(0)));
        const auto callers = run.callers;
        auto done = run.done.get_future();
        for (std::size_t i = 0; i < callers; ++i) {
            loop::spawn(loop.executor(), call(run, static_cast<unsigned>(i)), "bench");
        }
        done.get();
    }
    const auto created = state.iterations() * kCreatesPerRun;
    state.SetItemsProcessed(created);
    state.counters["per_commit"] =
        static_cast<double>(created) / static_cast<double>(database.writer().commits() - commits);
}

BENCHMARK(create_one_by_one)->Arg(64)->Arg(512)->UseRealTime()->Unit(benchmark::kMillisecond)->Iterations(3);

}  // namespace
}  // namespace carillon::store
