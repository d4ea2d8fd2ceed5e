#include "store/postgres/session_store_on_postgres.hpp"

#include <utility>

#include "store/postgres/statements.hpp"

namespace carillon::store::postgres {
namespace {

constexpr std::uint32_t kExpiredAtOnce = 100;

}  // namespace

SessionStoreOnPostgres::SessionStoreOnPostgres(Database& database)
    : database_{database},
      begin_duration_{database.duration_of("begin_session")},
      find_duration_{database.duration_of("find_session")},
      rotate_duration_{database.duration_of("rotate_session")},
      end_duration_{database.duration_of("end_session")} {}

loop::Task<base::Result<void>> SessionStoreOnPostgres::begin(store::Session session, std::uint32_t per_user_max) {
    Parameters expired;
    expired.add(session.created_at).add(kExpiredAtOnce);
    Parameters row;
    row.add(session.id).add(session.user).add(session.current).add(encode_rotations(session.rotations));
    row.add(session.created_at).add(session.expires_at);
    Parameters beyond;
    beyond.add(session.user).add(per_user_max);
    Request request{sql::kRemoveExpiredSessions, std::move(expired)};
    request.add(sql::kInsertSession, std::move(row)).add(sql::kRemoveSessionsBeyond, std::move(beyond));
    auto beginning = database_.query(std::move(request), begin_duration_);
    const auto begun = co_await std::move(beginning);
    if (!begun) co_return begun.error();
    co_return base::Result<void>{};
}

loop::Task<base::Result<store::Session>> SessionStoreOnPostgres::find(SessionId id) {
    Parameters parameters;
    parameters.add(id);
    auto finding = database_.query(Request{sql::kSessionById, std::move(parameters)}, find_duration_);
    const auto found = co_await std::move(finding);
    if (!found) co_return found.error();
    const Rows& rows = found->front();
    if (rows.size() == 0) co_return errc::not_found;
    store::Session session;
    session.id = id;
    session.user = rows.id<base::UserId>(0, 0);
    session.current = rows.digest(0, 1);
    session.rotations = decode_rotations(rows.text(0, 2));
    session.created_at = rows.time(0, 3);
    session.expires_at = rows.time(0, 4);
    co_return session;
}

loop::Task<base::Result<void>> SessionStoreOnPostgres::rotate(SessionId id, base::Digest known, base::Digest renewed,
                                                              std::vector<base::TimePoint> rotations) {
    Parameters parameters;
    parameters.add(id).add(known).add(renewed).add(encode_rotations(rotations));
    auto rotating = database_.query(Request{sql::kRotateSession, std::move(parameters)}, rotate_duration_);
    const auto rotated = co_await std::move(rotating);
    if (!rotated) co_return rotated.error();
    if (rotated->front().changed() == 0) co_return errc::not_found;
    co_return base::Result<void>{};
}

loop::Task<base::Result<void>> SessionStoreOnPostgres::end(SessionId id) {
    Parameters parameters;
    parameters.add(id);
    auto ending = database_.query(Request{sql::kRemoveSession, std::move(parameters)}, end_duration_);
    const auto ended = co_await std::move(ending);
    if (!ended) co_return ended.error();
    co_return base::Result<void>{};
}

loop::Task<base::Result<std::uint64_t>> SessionStoreOnPostgres::end_all(base::UserId user,
                                                                        base::TimePoint begun_before) {
    Parameters parameters;
    parameters.add(user).add(begun_before);
    auto ending = database_.query(Request{sql::kRemoveSessionsOf, std::move(parameters)}, end_duration_);
    const auto ended = co_await std::move(ending);
    if (!ended) co_return ended.error();
    co_return ended->front().changed();
}

}  // namespace carillon::store::postgres
