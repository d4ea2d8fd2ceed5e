#include "store/postgres/postgres.hpp"

#include <fmt/format.h>

#include "store/postgres/database.hpp"
#include "store/postgres/notification_store_on_postgres.hpp"
#include "store/postgres/outbox_store_on_postgres.hpp"
#include "store/postgres/revocation_store_on_postgres.hpp"
#include "store/postgres/schema.hpp"
#include "store/postgres/session_store_on_postgres.hpp"
#include "store/postgres/statements.hpp"
#include "store/postgres/user_data_store_on_postgres.hpp"
#include "store/postgres/user_store_on_postgres.hpp"

namespace carillon::store {
namespace {

constexpr const char* kNotificationSchema = "notification";
constexpr const char* kAuthSchema = "auth";

}  // namespace

struct PostgresNotifications::Impl {
    Impl(const PostgresOptions& options, loop::Executor executor, metrics::Registry& registry)
        : database{options,
                   {kNotificationSchema, postgres_notification_migrations(), postgres::sql::inbox_writes(),
                    postgres::sql::inbox_reads()},
                   std::move(executor),
                   registry} {}

    postgres::Database database;
    postgres::NotificationStoreOnPostgres store{database};
    postgres::OutboxStoreOnPostgres outbox{database};
    postgres::UserDataStoreOnPostgres user_data{database};
};

PostgresNotifications::PostgresNotifications(const PostgresOptions& options, loop::Executor executor,
                                             metrics::Registry& registry)
    : impl_{std::make_unique<Impl>(options, std::move(executor), registry)} {}

PostgresNotifications::~PostgresNotifications() = default;

NotificationStore& PostgresNotifications::store() {
    return impl_->store;
}

OutboxStore& PostgresNotifications::outbox() {
    return impl_->outbox;
}

UserDataStore& PostgresNotifications::user_data() {
    return impl_->user_data;
}

const std::vector<AppliedMigration>& PostgresNotifications::applied() const {
    return impl_->database.applied();
}

void PostgresNotifications::close() {
    impl_->database.close();
}

struct PostgresUsers::Impl {
    Impl(const PostgresOptions& options, loop::Executor executor, metrics::Registry& registry)
        : database{options,
                   {kAuthSchema, postgres_auth_migrations(), postgres::sql::user_writes(), postgres::sql::user_reads()},
                   std::move(executor),
                   registry} {}

    postgres::Database database;
    postgres::UserStoreOnPostgres store{database};
    postgres::SessionStoreOnPostgres sessions{database};
    postgres::RevocationStoreOnPostgres revocations{database};
    postgres::OutboxStoreOnPostgres outbox{database};
};

PostgresUsers::PostgresUsers(const PostgresOptions& options, loop::Executor executor, metrics::Registry& registry)
    : impl_{std::make_unique<Impl>(options, std::move(executor), registry)} {}

PostgresUsers::~PostgresUsers() = default;

UserStore& PostgresUsers::store() {
    return impl_->store;
}

SessionStore& PostgresUsers::sessions() {
    return impl_->sessions;
}

RevocationStore& PostgresUsers::revocations() {
    return impl_->revocations;
}

OutboxStore& PostgresUsers::outbox() {
    return impl_->outbox;
}

const std::vector<AppliedMigration>& PostgresUsers::applied() const {
    return impl_->database.applied();
}

void PostgresUsers::close() {
    impl_->database.close();
}

std::unique_ptr<PostgresNotifications> open_postgres_notifications(const PostgresOptions& options,
                                                                   loop::Executor executor,
                                                                   metrics::Registry& registry) {
    return std::make_unique<PostgresNotifications>(options, std::move(executor), registry);
}

std::unique_ptr<PostgresUsers> open_postgres_users(const PostgresOptions& options, loop::Executor executor,
                                                   metrics::Registry& registry) {
    return std::make_unique<PostgresUsers>(options, std::move(executor), registry);
}

std::vector<std::string> migrate_postgres(const std::string& url, std::chrono::milliseconds start_wait) {
    const auto target = postgres::ConnectionTarget::parse(url);
    const struct {
        const char* schema;
        const std::vector<Migration>& migrations;
    } kAll[] = {{kNotificationSchema, postgres_notification_migrations()}, {kAuthSchema, postgres_auth_migrations()}};
    std::vector<std::string> names;
    for (const auto& [schema, migrations] : kAll) {
        for (const auto& step :
             postgres::prepare_schema(target, schema, SchemaPolicy::migrate, start_wait, migrations)) {
            names.push_back(fmt::format("{}/{:04}_{}", schema, step.number, step.name));
        }
    }
    return names;
}

}  // namespace carillon::store
