#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "loop/task.hpp"
#include "metrics/registry.hpp"
#include "store/migration.hpp"
#include "store/notification_store.hpp"
#include "store/outbox_store.hpp"
#include "store/revocation_store.hpp"
#include "store/session_store.hpp"
#include "store/user_data_store.hpp"
#include "store/user_store.hpp"

/// The ports of `store/` on PostgreSQL. This header is all that other rooms see.
namespace carillon::store {

struct PostgresLimits {
    /// Transactions that change inboxes, side by side; each has a session of its own.
    std::size_t write_sessions = 2;
    /// Sessions for everything else; each has up to `pipeline_max` requests in flight.
    std::size_t read_sessions = 3;
    std::size_t pipeline_max = 16;
    std::size_t batch_items_max = 128;  ///< changes in one transaction
    std::size_t queue_max = 10'000;     ///< calls of each kind that wait; beyond, `overloaded`
    /// Of a call: how long it may wait, and how long the server may take. Beyond, `unavailable`.
    std::chrono::milliseconds time_max{4'000};
    std::chrono::milliseconds connect_time_max{3'000};
    /// How long an instance that says nothing keeps its events; then another publishes them.
    std::chrono::milliseconds outbox_lease{5'000};
    std::chrono::milliseconds adopt_every{1'000};
};

struct PostgresOptions {
    std::string url;  ///< `postgres://user:password@host:port/database`, or libpq's `keyword=value` pairs
    SchemaPolicy schema = SchemaPolicy::migrate;
    /// How long opening waits for a server that cannot be reached yet.
    std::chrono::milliseconds start_wait{30'000};
    PostgresLimits limits;
};

namespace postgres {
class Database;
}

/// The schema `notification`: what the notification service keeps.
///
/// Opening blocks and throws `OpenError`. From then on everything happens on the executor's loop, without blocking it:
/// start it soon, the lease of the outbox is renewed there. The stores must not outlive this object.
class PostgresNotifications {
 public:
    PostgresNotifications(const PostgresOptions& options, loop::Executor executor, metrics::Registry& registry);
    ~PostgresNotifications();
    PostgresNotifications(const PostgresNotifications&) = delete;
    PostgresNotifications& operator=(const PostgresNotifications&) = delete;

    NotificationStore& store();
    OutboxStore& outbox();
    UserDataStore& user_data();
    /// The steps of the schema that opening applied.
    const std::vector<AppliedMigration>& applied() const;
    /// Takes no more calls (they hear `unavailable`), finishes those that wait, and leaves what is in the outbox to
    /// other instances. Blocks. Thread: any but the executor's, whose loop must run.
    void close();

 private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// The schema `auth`: what the auth service keeps. As `PostgresNotifications`.
class PostgresUsers {
 public:
    PostgresUsers(const PostgresOptions& options, loop::Executor executor, metrics::Registry& registry);
    ~PostgresUsers();
    PostgresUsers(const PostgresUsers&) = delete;
    PostgresUsers& operator=(const PostgresUsers&) = delete;

    UserStore& store();
    SessionStore& sessions();
    RevocationStore& revocations();
    OutboxStore& outbox();
    const std::vector<AppliedMigration>& applied() const;
    void close();

 private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

std::unique_ptr<PostgresNotifications> open_postgres_notifications(const PostgresOptions& options,
                                                                   loop::Executor executor,
                                                                   metrics::Registry& registry);
std::unique_ptr<PostgresUsers> open_postgres_users(const PostgresOptions& options, loop::Executor executor,
                                                   metrics::Registry& registry);

/// Brings both schemas up to date and returns what was applied: "notification 0001_initial", … Throws `OpenError`.
std::vector<std::string> migrate_postgres(const std::string& url, std::chrono::milliseconds start_wait);

}  // namespace carillon::store
