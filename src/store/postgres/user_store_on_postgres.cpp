#include "store/postgres/user_store_on_postgres.hpp"

#include <utility>

#include "loop/run_on.hpp"
#include "store/call_timer.hpp"
#include "store/outbox_events.hpp"
#include "store/postgres/statements.hpp"
#include "store/postgres/write_with_event.hpp"

namespace carillon::store::postgres {
namespace {

void add_user(Request& request, const User& user) {
    Parameters row;
    row.add(user.id).add(user.created_at).add(user.email).add(user.name).add(user.password_hash);
    Parameters email;
    email.add(user.email);
    request.add(sql::kInsertUser, std::move(row)).add(sql::kUserByEmail, std::move(email));
}

base::Result<void> was_free(const std::vector<Rows>& rows) {
    if (rows.at(WriteWithEvent::kChangeRows).changed() > 0) return {};
    return rows.at(WriteWithEvent::kChangeRows + 1).size() > 0 ? errc::email_taken : errc::already_applied;
}

}  // namespace

UserStoreOnPostgres::UserStoreOnPostgres(Database& database)
    : database_{database},
      create_duration_{database.duration_of("create_user")},
      find_duration_{database.duration_of("find_user")},
      erase_duration_{database.duration_of("erase_user")},
      renew_duration_{database.duration_of("renew_password_hash")} {}

loop::Task<base::Result<void>> UserStoreOnPostgres::create(User user, std::string traceparent) {
    const CallTimer timer{create_duration_};
    const base::EventId event_id{base::Uuid::generate_v7(user.created_at)};
    WriteWithEvent write;
    write.outbox = database_.shared_outbox();
    write.writers = database_.writers();
    write.add_change = [user](Request& request) { add_user(request, user); };
    write.check = was_free;
    write.user = user.id;
    write.event = registered_event(event_id, user, std::move(traceparent));
    write.deadline = std::chrono::steady_clock::now() + database_.time_max();
    auto writing = write_with_event(std::move(write));
    auto crossing = loop::run_on(database_.executor(), std::move(writing));
    co_return co_await std::move(crossing);
}

loop::Task<base::Result<User>> UserStoreOnPostgres::find_by_email(std::string email) {
    Parameters parameters;
    parameters.add(email);
    auto finding = find(Request{sql::kUserByEmail, std::move(parameters)});
    co_return co_await std::move(finding);
}

loop::Task<base::Result<User>> UserStoreOnPostgres::find_by_id(base::UserId id) {
    Parameters parameters;
    parameters.add(id);
    auto finding = find(Request{sql::kUserById, std::move(parameters)});
    co_return co_await std::move(finding);
}

loop::Task<base::Result<User>> UserStoreOnPostgres::find(Request request) {
    auto finding = database_.query(std::move(request), find_duration_);
    const auto found = co_await std::move(finding);
    if (!found) co_return found.error();
    const Rows& rows = found->front();
    if (rows.size() == 0) co_return errc::not_found;
    User user;
    user.id = rows.id<base::UserId>(0, 0);
    user.email = rows.text(0, 1);
    user.name = rows.optional_text(0, 2);
    user.password_hash = rows.text(0, 3);
    user.created_at = rows.time(0, 4);
    co_return user;
}

loop::Task<base::Result<void>> UserStoreOnPostgres::erase(base::UserId id) {
    Parameters parameters;
    parameters.add(id);
    auto erasing = database_.query(Request{sql::kEraseUser, std::move(parameters)}, erase_duration_);
    const auto erased = co_await std::move(erasing);
    if (!erased) co_return erased.error();
    if (erased->front().number(0, 0) == 0) co_return errc::not_found;
    co_return base::Result<void>{};
}

loop::Task<base::Result<void>> UserStoreOnPostgres::replace_password_hash(base::UserId id, std::string known,
                                                                          std::string renewed) {
    Parameters parameters;
    parameters.add(id).add(known).add(renewed);
    auto replacing = database_.query(Request{sql::kReplacePasswordHash, std::move(parameters)}, renew_duration_);
    const auto replaced = co_await std::move(replacing);
    if (!replaced) co_return replaced.error();
    if (replaced->front().changed() == 0) co_return errc::not_found;
    co_return base::Result<void>{};
}

loop::Task<base::Result<void>> UserStoreOnPostgres::check() {
    co_return co_await database_.check();
}

}  // namespace carillon::store::postgres
