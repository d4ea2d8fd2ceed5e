#include "store/postgres/user_store_on_postgres.hpp"

#include <utility>

#include "loop/run_on.hpp"
#include "store/call_timer.hpp"
#include "store/outbox_events.hpp"
#include "store/postgres/statements.hpp"

namespace carillon::store::postgres {
namespace {

struct Registration {
    std::shared_ptr<OutboxInstance> outbox;
    std::shared_ptr<Pool> writers;
    User user;
    OutboxEvent event;
    base::SteadyTime deadline;
};

// The user in one round trip, the event in a second, so that a lost connection leaves a transaction whose id is known.
loop::Task<base::Result<void>> register_in(std::shared_ptr<Session> session, Registration registration) {
    const User& user = registration.user;
    const auto deadline = registration.deadline;
    const auto roll_back = [&session, deadline] {
        session->send(Request{sql::kRollback}, deadline, [](const Reply&) {});
    };
    Parameters row;
    row.add(user.id).add(user.created_at).add(user.email).add(user.name).add(user.password_hash);
    Parameters email;
    email.add(user.email);
    Request insert{sql::kBegin};
    insert.add(sql::kTransactionId).add(sql::kInsertUser, std::move(row)).add(sql::kUserByEmail, std::move(email));
    auto inserting = Session::call(session, std::move(insert), deadline);
    const auto inserted = co_await std::move(inserting);
    if (inserted.failure) {
        if (!inserted.failure->lost()) roll_back();
        co_return errc::unavailable;
    }
    if (inserted.rows.at(2).changed() == 0) {
        roll_back();
        co_return inserted.rows.at(3).size() > 0 ? errc::email_taken : errc::already_applied;
    }

    auto& outbox = *registration.outbox;
    const auto range = outbox.ledger().reserve(1);
    std::vector<OutboxEvent> events;
    events.push_back(std::move(registration.event));
    const std::vector<base::UserId> users{user.id};
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
        outbox.in_doubt(range, inserted.rows.at(1).number(0, 0));
    } else {
        outbox.ledger().dropped(range);
        roll_back();
    }
    co_return errc::unavailable;
}

loop::Task<base::Result<void>> register_user(Registration registration) {
    const auto writers = registration.writers;
    auto leasing = Pool::lease_when_free(writers, registration.deadline);
    const auto session = co_await std::move(leasing);
    if (!session) co_return errc::unavailable;
    auto registering = register_in(session, std::move(registration));
    const auto result = co_await std::move(registering);
    writers->release(session);
    co_return result;
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
    Registration registration{database_.shared_outbox(), database_.writers(), user,
                              registered_event(event_id, user, std::move(traceparent)),
                              std::chrono::steady_clock::now() + database_.time_max()};
    auto registering = register_user(std::move(registration));
    auto crossing = loop::run_on(database_.executor(), std::move(registering));
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
