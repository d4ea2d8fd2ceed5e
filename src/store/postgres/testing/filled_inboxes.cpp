#include "store/postgres/testing/filled_inboxes.hpp"

#include <fmt/format.h>

namespace carillon::store::testing {

// A row is known by `n`: its user is n modulo the number of users, its creation the quotient. A row that was read by
// itself took a version after all creations.
void fill_inboxes(PostgresServer& server, const std::string& database, const std::vector<base::UserId>& users,
                  std::uint64_t rows) {
    std::string list;
    for (const auto& user : users) list += (list.empty() ? "'" : ",'") + user.to_string() + "'";
    const auto each = rows / users.size();
    const auto by_read_all = each * 3 / 10;
    const auto read_singly = (each - by_read_all) / 10;
    server.sql(
        database,
        fmt::format("SET synchronous_commit TO off;"
                    "CREATE TEMP TABLE the_users AS SELECT (ord - 1) AS place, id FROM"
                    " unnest(ARRAY[{0}]::uuid[]) WITH ORDINALITY AS u (id, ord);"
                    "INSERT INTO notification.notifications (id, user_id, created_at, read_at, created_version,"
                    " unread_version, version, type, title, body, data)"
                    " SELECT lpad(to_hex(c * {1} + u.place), 32, '0')::uuid, u.id,"
                    " now() - ({2} - c) * interval '1 minute',"
                    " CASE WHEN c <= {3} OR c > {2} - {4} THEN now() END, c, c,"
                    " CASE WHEN c > {2} - {4} THEN c + {4} + 1 ELSE c END,"
                    " 'comment.created', 'Ada commented on your document', repeat('x', 120),"
                    " '{{\"url\":\"/documents/1\"}}'"
                    " FROM generate_series(1, {2}) c, the_users u;"
                    "INSERT INTO notification.user_state (user_id, unread, version, read_all_before, read_all_version)"
                    " SELECT id, {2} - {3} - {4}, {2} + {4} + 1, {3}, {2} + 1 FROM the_users;"
                    "ANALYZE notification.notifications; ANALYZE notification.user_state",
                    list, users.size(), each, by_read_all, read_singly));
}

}  // namespace carillon::store::testing
