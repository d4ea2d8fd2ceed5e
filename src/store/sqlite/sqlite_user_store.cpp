#include "store/sqlite/sqlite_user_store.hpp"

#include <utility>

#include "store/outbox_events.hpp"
#include "store/sqlite/requests.hpp"
#include "store/sqlite/statements.hpp"

namespace carillon::store {
namespace {

template <class Key>
base::Result<User> read_user(SqliteConnection& connection, std::string_view sql, const Key& key) {
    SqliteQuery row{connection, sql, key};
    if (!row.next()) return errc::not_found;
    User user;
    user.id = row.id<base::UserId>(0);
    user.email = row.text(1);
    user.name = row.optional_text(2);
    user.password_hash = row.text(3);
    user.created_at = row.time(4);
    return user;
}

base::Result<void> create_user(WriteTransaction& transaction, const User& user, const std::string& traceparent) {
    auto& connection = transaction.connection();
    const auto inserted =
        connection.run(sql::kInsertUser, user.id, user.email, user.name, user.password_hash, user.created_at);
    if (inserted == 0) {
        return read_user(connection, sql::kUserByEmail, user.email) ? errc::email_taken : errc::already_applied;
    }
    const base::EventId event_id{base::Uuid::generate_v7(user.created_at)};
    transaction.add_event(OutboxName::auth, registered_event(event_id, user, traceparent));
    return {};
}

// Until none is left: an account has one event.
void erase_events_of(WriteTransaction& transaction, base::UserId user) {
    constexpr std::uint32_t kAtOnce = 100;
    while (transaction.erase_events(OutboxName::auth, user, kAtOnce) == kAtOnce) {
    }
}

base::Result<void> erase_user(WriteTransaction& transaction, base::UserId id) {
    auto& connection = transaction.connection();
    transaction.overwrite_deleted_bytes();
    const auto erased = connection.run(sql::kEraseUser, id);
    connection.run(sql::kRemoveSessionsOf, id, base::TimePoint::max());
    if (erased != 0) {
        erase_events_of(transaction, id);
        transaction.overwrite_free_pages();
    }
    if (erased == 0) return errc::not_found;
    return {};
}

}  // namespace

SqliteUserStore::SqliteUserStore(SqliteDatabase& database)
    : database_{database},
      create_duration_{database.duration_of("create_user")},
      find_duration_{database.duration_of("find_user")},
      erase_duration_{database.duration_of("erase_user")},
      renew_duration_{database.duration_of("renew_password_hash")} {}

loop::Task<base::Result<void>> SqliteUserStore::create(User user, std::string traceparent) {
    std::function<base::Result<void>(WriteTransaction&)> work =
        [user = std::move(user), traceparent = std::move(traceparent)](WriteTransaction& transaction) {
            return create_user(transaction, user, traceparent);
        };
    co_return co_await mutate<void>(database_.writer(), create_duration_, std::move(work));
}

loop::Task<base::Result<User>> SqliteUserStore::find_by_email(std::string email) {
    std::function<base::Result<User>(SqliteConnection&)> work = [email =
                                                                     std::move(email)](SqliteConnection& connection) {
        return read_user(connection, sql::kUserByEmail, email);
    };
    co_return co_await query<User>(database_.readers(), find_duration_, std::move(work));
}

loop::Task<base::Result<User>> SqliteUserStore::find_by_id(base::UserId id) {
    std::function<base::Result<User>(SqliteConnection&)> work = [id](SqliteConnection& connection) {
        return read_user(connection, sql::kUserById, id);
    };
    co_return co_await query<User>(database_.readers(), find_duration_, std::move(work));
}

loop::Task<base::Result<void>> SqliteUserStore::erase(base::UserId id) {
    std::function<base::Result<void>(WriteTransaction&)> work = [id](WriteTransaction& transaction) {
        return erase_user(transaction, id);
    };
    co_return co_await mutate<void>(database_.writer(), erase_duration_, std::move(work));
}

loop::Task<base::Result<void>> SqliteUserStore::replace_password_hash(base::UserId id, std::string known,
                                                                      std::string renewed) {
    std::function<base::Result<void>(WriteTransaction&)> work =
        [id, known = std::move(known), renewed = std::move(renewed)](WriteTransaction& transaction) {
            const auto changed = transaction.connection().run(sql::kReplacePasswordHash, id, known, renewed);
            return changed == 1 ? base::Result<void>{} : base::Result<void>{errc::not_found};
        };
    co_return co_await mutate<void>(database_.writer(), renew_duration_, std::move(work));
}

loop::Task<base::Result<void>> SqliteUserStore::check() {
    co_return co_await database_.check();
}

}  // namespace carillon::store
