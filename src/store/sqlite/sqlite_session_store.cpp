#include "store/sqlite/sqlite_session_store.hpp"

#include <utility>

#include "store/sqlite/requests.hpp"
#include "store/sqlite/statements.hpp"

namespace carillon::store {
namespace {

constexpr std::uint32_t kExpiredAtOnce = 100;

base::Result<void> begin_session(WriteTransaction& transaction, const Session& session, std::uint32_t per_user_max) {
    auto& connection = transaction.connection();
    connection.run(sql::kRemoveExpiredSessions, session.created_at, kExpiredAtOnce);
    connection.run(sql::kInsertSession, session.id, session.user, session.current, encode_rotations(session.rotations),
                   session.created_at, session.expires_at);
    connection.run(sql::kRemoveSessionsBeyond, session.user, per_user_max);
    return {};
}

base::Result<Session> read_session(SqliteConnection& connection, SessionId id) {
    SqliteQuery row{connection, sql::kSessionById, id};
    if (!row.next()) return errc::not_found;
    Session session;
    session.id = id;
    session.user = row.id<base::UserId>(0);
    session.current = row.digest(1);
    session.rotations = decode_rotations(row.text(2));
    session.created_at = row.time(3);
    session.expires_at = row.time(4);
    return session;
}

}  // namespace

SqliteSessionStore::SqliteSessionStore(SqliteDatabase& database)
    : database_{database},
      begin_duration_{database.duration_of("begin_session")},
      find_duration_{database.duration_of("find_session")},
      rotate_duration_{database.duration_of("rotate_session")},
      end_duration_{database.duration_of("end_session")} {}

loop::Task<base::Result<void>> SqliteSessionStore::begin(Session session, std::uint32_t per_user_max) {
    std::function<base::Result<void>(WriteTransaction&)> work = [session = std::move(session),
                                                                 per_user_max](WriteTransaction& transaction) {
        return begin_session(transaction, session, per_user_max);
    };
    co_return co_await mutate<void>(database_.writer(), begin_duration_, std::move(work));
}

loop::Task<base::Result<Session>> SqliteSessionStore::find(SessionId id) {
    std::function<base::Result<Session>(SqliteConnection&)> work = [id](SqliteConnection& connection) {
        return read_session(connection, id);
    };
    co_return co_await query<Session>(database_.readers(), find_duration_, std::move(work));
}

loop::Task<base::Result<void>> SqliteSessionStore::rotate(SessionId id, base::Digest known, base::Digest renewed,
                                                          std::vector<base::TimePoint> rotations) {
    std::function<base::Result<void>(WriteTransaction&)> work =
        [id, known, renewed, text = encode_rotations(rotations)](WriteTransaction& transaction) {
            const auto changed = transaction.connection().run(sql::kRotateSession, id, known, renewed, text);
            return changed == 1 ? base::Result<void>{} : base::Result<void>{errc::not_found};
        };
    co_return co_await mutate<void>(database_.writer(), rotate_duration_, std::move(work));
}

loop::Task<base::Result<void>> SqliteSessionStore::end(SessionId id) {
    std::function<base::Result<void>(WriteTransaction&)> work = [id](WriteTransaction& transaction) {
        transaction.connection().run(sql::kRemoveSession, id);
        return base::Result<void>{};
    };
    co_return co_await mutate<void>(database_.writer(), end_duration_, std::move(work));
}

loop::Task<base::Result<std::uint64_t>> SqliteSessionStore::end_all(base::UserId user, base::TimePoint begun_before) {
    std::function<base::Result<std::uint64_t>(WriteTransaction&)> work = [user,
                                                                          begun_before](WriteTransaction& transaction) {
        const auto removed = transaction.connection().run(sql::kRemoveSessionsOf, user, begun_before);
        return base::Result<std::uint64_t>{static_cast<std::uint64_t>(removed)};
    };
    co_return co_await mutate<std::uint64_t>(database_.writer(), end_duration_, std::move(work));
}

}  // namespace carillon::store
