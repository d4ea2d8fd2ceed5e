#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "store/postgres/testing/postgres_server.hpp"

namespace carillon::store::testing {

/// Puts `rows` notifications into the database, as many for each user, and makes the counters right: of each user's,
/// the first three tenths were read by a read-all, the last ones (a tenth of the others) by themselves, and the rest is
/// unread. The database has its schema and `users` have nothing in it yet. Ends with ANALYZE.
void fill_inboxes(PostgresServer& server, const std::string& database, const std::vector<base::UserId>& users,
                  std::uint64_t rows);

}  // namespace carillon::store::testing
