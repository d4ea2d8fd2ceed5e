#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <filesystem>
#include <mutex>
#include <thread>

#include "bus/local/local_bus.hpp"
#include "contracts/bus_events.hpp"
#include "loop/event_loop.hpp"
#include "outbox/relay.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/sqlite_notification_store.hpp"
#include "store/sqlite/sqlite_outbox_store.hpp"

namespace carillon::outbox {
namespace {

using namespace std::chrono_literals;

bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::yield();
    }
    return true;
}

/// A folder that is gone with the test.
struct TemporaryFolder {
    TemporaryFolder()
        : path{std::filesystem::temp_directory_path() /
               ("carillon-relay-" + base::EventId::generate(base::system_clock()).to_string())} {}
    ~TemporaryFolder() { std::filesystem::remove_all(path); }

    const std::filesystem::path path;
};

/// The embedded path of an event: SQLite, relay, bus in the process.
class Embedded {
 public:
    explicit Embedded(const std::filesystem::path& folder) : database_{options(folder), metrics_} {
        loop_.start();
        following_ = bus_.follow({{bus::subject::kNotificationCreated},
                                  loop_.executor(),
                                  [this](const bus::Delivery& delivery) { see(delivery); },
                                  {}});
    }
    ~Embedded() {
        boost::asio::co_spawn(loop_.executor(), relay_.stop(5s), boost::asio::use_future).get();
        bus_.stop();
        database_.close();
        loop_.stop();
        loop_.join();
    }

    void start_relay() { relay_.start(); }
    void create(base::UserId user, const std::string& title) {
        store::NewNotification wanted;
        wanted.id = base::NotificationId::generate(base::system_clock());
        wanted.user_id = user;
        wanted.type = "test";
        wanted.title = title;
        wanted.created_at = base::system_clock().now();
        auto results =
            boost::asio::co_spawn(loop_.executor(), notifications_.create({wanted}), boost::asio::use_future).get();
        ASSERT_TRUE(results.at(0));
    }
    std::uint64_t rows() {
        return *boost::asio::co_spawn(loop_.executor(), outbox_.pending_count(), boost::asio::use_future).get();
    }
    std::vector<base::Version> versions() const {
        const std::lock_guard lock{mutex_};
        return versions_;
    }

 private:
    static store::SqliteOptions options(const std::filesystem::path& folder) {
        store::SqliteOptions chosen;
        chosen.directory = folder;
        return chosen;
    }
    static RelayConfig config() {
        RelayConfig chosen;
        chosen.service = "notifications";
        return chosen;
    }
    void see(const bus::Delivery& delivery) {
        const auto event = contracts::decode_notification_created(delivery.message.payload);
        const std::lock_guard lock{mutex_};
        versions_.push_back(event ? event->version.value_or(0) : 0);
    }

    metrics::Registry metrics_;
    loop::EventLoop loop_{"embedded"};
    bus::LocalBus bus_{base::system_clock(), {}};
    store::SqliteDatabase database_;
    store::SqliteNotificationStore notifications_{database_};
    store::SqliteOutboxStore outbox_{database_, store::OutboxName::notification};
    Relay relay_{loop_.executor(), outbox_, bus_, metrics_, config()};
    std::unique_ptr<bus::Subscription> following_;
    mutable std::mutex mutex_;
    std::vector<base::Version> versions_;
};

const base::UserId kUser = *base::UserId::parse("6f1c0a52-6d0e-4f0e-9a34-4a1f0f6f5a01");

TEST(RelayWithSqlite, BringsWhatIsCreatedToFollowersInVersionOrder) {
    const TemporaryFolder folder;
    Embedded embedded{folder.path};
    embedded.start_relay();
    for (int i = 0; i < 20; ++i) embedded.create(kUser, std::to_string(i));
    ASSERT_TRUE(eventually([&] { return embedded.versions().size() == 20 && embedded.rows() == 0; }));
    for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(embedded.versions()[i], i + 1);
}

TEST(RelayWithSqlite, ARestartPublishesWhatWasNotYetAcknowledged) {
    const TemporaryFolder folder;
    {
        Embedded before{folder.path};
        for (int i = 0; i < 5; ++i) before.create(kUser, std::to_string(i));
        EXPECT_EQ(before.rows(), 5u);
        EXPECT_TRUE(before.versions().empty());
    }
    Embedded after{folder.path};
    after.start_relay();
    ASSERT_TRUE(eventually([&] { return after.versions().size() == 5 && after.rows() == 0; }));
}

}  // namespace
}  // namespace carillon::outbox
