#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <future>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "loop/event_loop.hpp"
#include "metrics/registry.hpp"
#include "store/postgres/postgres.hpp"
#include "store/postgres/testing/filled_inboxes.hpp"
#include "store/postgres/testing/postgres_server.hpp"

// The notification store on a real PostgreSQL with fsync, without HTTP and bus: many callers at once, each waiting for
// its answer. Everything that was committed is counted by the server afterwards.
namespace carillon::bench {
namespace {

using namespace std::chrono_literals;

struct Options {
    std::string url;  // empty: a server of our own
    std::size_t callers = 64;
    std::size_t users = 1'000;
    std::int64_t operations = 60'000;
    std::size_t rounds = 3;
    std::size_t write_sessions = store::PostgresLimits{}.write_sessions;
    std::size_t batch = store::PostgresLimits{}.batch_items_max;
    std::uint64_t rows = 0;  // for the lists
    std::size_t rate = 1'000;
    bool json = false;
};

double own_cpu() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

store::NewNotification sample(base::UserId user) {
    store::NewNotification wanted;
    wanted.id = base::NotificationId::generate(base::system_clock());
    wanted.user_id = user;
    wanted.type = "comment.created";
    wanted.title = "Ada commented on your document";
    wanted.body = std::string(120, 'x');
    wanted.created_at = base::system_clock().now();
    return wanted;
}

class Bench {
 public:
    explicit Bench(Options options) : options_{std::move(options)} {
        if (options_.url.empty()) {
            server_ = std::make_unique<store::testing::PostgresServer>();
            options_.url = server_->url(server_->create_database());
        }
        loop_.start();
        store::PostgresOptions opening;
        opening.url = options_.url;
        opening.limits.write_sessions = options_.write_sessions;
        opening.limits.batch_items_max = options_.batch;
        opened_ = store::open_postgres_notifications(opening, loop_.executor(), metrics_);
        for (std::size_t i = 0; i < options_.users; ++i) {
            users_.push_back(base::UserId::generate(base::system_clock()));
            readers_.push_back(base::UserId::generate(base::system_clock()));
        }
    }
    ~Bench() { opened_->close(); }

    void run() {
        if (options_.rows > 0) measure_lists();
        for (std::size_t round = 0; round < options_.rounds; ++round) {
            measure("create", &Bench::create);
            std::shuffle(unread_.begin(), unread_.end(), std::mt19937{1});
            measure("mark_read", &Bench::mark_read);
            measure("create", &Bench::create);
            measure("read_all", &Bench::read_all, static_cast<std::int64_t>(options_.users * 4));
            unread_.clear();
        }
        if (options_.json) {
            std::cout << fmt::format("{{\"measurements\":[{}],\"failed\":{}}}\n", fmt::join(found_, ","), failed_);
        } else {
            std::cout << fmt::format("failed operations: {}\n", failed_);
        }
    }
    bool failed() const { return failed_ > 0; }

 private:
    using Operation = loop::Task<void> (Bench::*)(std::mt19937&);

    loop::Task<void> create(std::mt19937& random) {
        std::vector<store::NewNotification> batch{sample(users_[random() % users_.size()])};
        const auto user = batch.front().user_id;
        const auto id = batch.front().id;
        auto creating = opened_->store().create(std::move(batch));
        const auto created = co_await std::move(creating);
        if (created.front()) {
            unread_.emplace_back(user, id);
        } else {
            ++failed_;
        }
    }

    loop::Task<void> mark_read(std::mt19937&) {
        if (unread_.empty()) co_return;
        const auto [user, id] = unread_.back();
        unread_.pop_back();
        auto marking = opened_->store().mark_read(user, id, base::system_clock().now(), "", std::nullopt);
        const auto marked = co_await std::move(marking);
        if (!marked) ++failed_;
    }

    loop::Task<void> read_all(std::mt19937& random) {
        auto reading = opened_->store().read_all(users_[random() % users_.size()], std::nullopt,
                                                 base::system_clock().now(), "", std::nullopt);
        const auto read = co_await std::move(reading);
        if (!read) ++failed_;
    }

    struct Load {
        std::atomic<std::int64_t> left{0};
        std::atomic<std::size_t> callers{0};
        std::vector<double> latencies_ms;
        std::promise<void> done;
    };

    loop::Task<void> call(Operation operation, std::shared_ptr<Load> load, unsigned seed) {
        std::mt19937 random{seed};
        while (load->left-- > 0) {
            const auto start = std::chrono::steady_clock::now();
            auto doing = (this->*operation)(random);
            co_await std::move(doing);
            const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
            load->latencies_ms.push_back(took.count());
        }
        if (--load->callers == 0) load->done.set_value();
    }

    void measure(const char* name, Operation operation, std::int64_t count = 0) {
        auto load = std::make_shared<Load>();
        if (count == 0) count = options_.operations;
        load->left = count;
        load->callers = options_.callers;
        load->latencies_ms.reserve(static_cast<std::size_t>(count));
        auto done = load->done.get_future();
        auto& items = metrics_.counter("store_batch_items_total", "");
        auto& batches = metrics_.counter("store_batches_total", "");
        const double items_before = items.value();
        const double batches_before = batches.value();
        const double cpu_before = own_cpu();
        const double server_before = server_ ? server_->cpu_seconds() : 0;
        const auto start = std::chrono::steady_clock::now();
        for (std::size_t i = 0; i < options_.callers; ++i) {
            loop::spawn(loop_.executor(), call(operation, load, static_cast<unsigned>(i)), "bench");
        }
        done.get();
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        Cost cost;
        cost.batch = (items.value() - items_before) / (batches.value() - batches_before);
        cost.client_us = (own_cpu() - cpu_before) / static_cast<double>(count) * 1e6;
        if (server_) cost.server_us = (server_->cpu_seconds() - server_before) / static_cast<double>(count) * 1e6;
        report(name, *load, static_cast<double>(count) / took.count(), cost);
    }

    struct Cost {
        double batch = 0;
        double client_us = 0;
        double server_us = 0;
    };

    void report(const char* name, Load& load, double per_second, std::optional<Cost> cost) {
        auto& all = load.latencies_ms;
        std::sort(all.begin(), all.end());
        const auto percentile = [&all](double part) {
            return all.empty() ? 0 : all[static_cast<std::size_t>(part * static_cast<double>(all.size() - 1))];
        };
        const double p50 = percentile(0.5);
        const double p99 = percentile(0.99);
        if (options_.json) {
            found_.push_back(fmt::format(R"({{"name":"{}","perSecond":{:.0f},"p50":{:.3f},"p99":{:.3f})", name,
                                         per_second, p50, p99));
            if (cost) {
                found_.back() += fmt::format(R"(,"batch":{:.1f},"clientCpuUs":{:.1f},"serverCpuUs":{:.1f})",
                                             cost->batch, cost->client_us, cost->server_us);
            }
            found_.back() += "}";
            return;
        }
        std::cout << fmt::format("{:<10} {:>8.0f}/s   p50 {:.2f} ms  p99 {:.2f} ms  max {:.2f} ms", name, per_second,
                                 p50, p99, percentile(1));
        if (cost) {
            std::cout << fmt::format("   batch {:.1f}   CPU us/op: client {:.1f} server {:.1f}", cost->batch,
                                     cost->client_us, cost->server_us);
        }
        std::cout << '\n';
    }

    // --- Lists and counts, at a fixed rate, so that a slow answer does not keep the next ones from being asked.

    loop::Task<void> list(std::mt19937& random) {
        store::ListQuery query;
        query.user_id = readers_[random() % readers_.size()];
        auto listing = opened_->store().list(query);
        const auto page = co_await std::move(listing);
        if (!page || page->notifications.size() != query.limit) ++failed_;
    }

    loop::Task<void> count(std::mt19937& random) {
        auto counting = opened_->store().counts({readers_[random() % readers_.size()]});
        const auto counts = co_await std::move(counting);
        if (!counts || counts->front().state.version == 0) ++failed_;
    }

    loop::Task<void> call_once(Operation operation, std::shared_ptr<Load> load, unsigned seed,
                               std::chrono::steady_clock::time_point due) {
        std::mt19937 random{seed};
        auto doing = (this->*operation)(random);
        co_await std::move(doing);
        const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - due;
        load->latencies_ms.push_back(took.count());
        if (--load->callers == 0) load->done.set_value();
    }

    void measure_at_rate(const char* name, Operation operation, std::chrono::seconds duration) {
        const auto total = options_.rate * static_cast<std::size_t>(duration.count());
        auto load = std::make_shared<Load>();
        load->callers = total;
        load->latencies_ms.reserve(total);
        auto done = load->done.get_future();
        const auto start = std::chrono::steady_clock::now();
        const auto gap = std::chrono::duration_cast<std::chrono::steady_clock::duration>(1s) / options_.rate;
        for (std::size_t i = 0; i < total; ++i) {
            const auto due = start + gap * static_cast<int>(i);
            std::this_thread::sleep_until(due);
            loop::spawn(loop_.executor(), call_once(operation, load, static_cast<unsigned>(i), due), "bench");
        }
        done.get();
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        report(name, *load, static_cast<double>(total) / took.count(), std::nullopt);
    }

    void measure_lists() {
        if (!server_) {
            std::cerr << "lists need a server of our own (leave --url out)\n";
            return;
        }
        std::cerr << fmt::format("filling {} rows\n", options_.rows);
        store::testing::fill_inboxes(*server_, "test_1", readers_, options_.rows);
        // What the server would do about them on its own some time later, in the middle of the measurement.
        server_->sql("test_1", "VACUUM ANALYZE");
        server_->sql("test_1", "CHECKPOINT");
        measure_at_rate("list", &Bench::list, 10s);
        measure_at_rate("counts", &Bench::count, 10s);
    }

    Options options_;
    std::unique_ptr<store::testing::PostgresServer> server_;
    metrics::Registry metrics_;
    loop::EventLoop loop_{"bench"};
    std::unique_ptr<store::PostgresNotifications> opened_;
    std::vector<base::UserId> users_;
    std::vector<base::UserId> readers_;  // whose inboxes are full
    // Touched only on the loop
    std::vector<std::pair<base::UserId, base::NotificationId>> unread_;
    std::size_t failed_ = 0;
    std::vector<std::string> found_;  // JSON objects
};

}  // namespace
}  // namespace carillon::bench

int main(int argc, char** argv) {
    carillon::bench::Options options;
    CLI::App app{"Creates, reads and lists a second on PostgreSQL"};
    app.add_option("--url", options.url, "Of an empty database; without it a server is started");
    app.add_option("--callers", options.callers)->capture_default_str();
    app.add_option("--users", options.users)->capture_default_str();
    app.add_option("--operations", options.operations, "In each measurement")->capture_default_str();
    app.add_option("--rounds", options.rounds)->capture_default_str();
    app.add_option("--write-sessions", options.write_sessions)->capture_default_str();
    app.add_option("--batch", options.batch)->capture_default_str();
    app.add_option("--rows", options.rows, "Lists and counts among so many rows")->capture_default_str();
    app.add_option("--rate", options.rate, "Of lists and counts, a second")->capture_default_str();
    app.add_flag("--json", options.json);
    CLI11_PARSE(app, argc, argv);
    carillon::bench::Bench bench{options};
    bench.run();
    return bench.failed() ? 1 : 0;
}
