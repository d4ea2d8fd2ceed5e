#pragma once

#include "store/sqlite/database.hpp"
#include "store/user_store.hpp"

namespace carillon::store {

/// The users in a `SqliteDatabase`. Its contract is the port's.
class SqliteUserStore final : public UserStore {
 public:
    explicit SqliteUserStore(SqliteDatabase& database);

    loop::Task<base::Result<void>> create(User user, std::string traceparent) override;
    loop::Task<base::Result<User>> find_by_email(std::string email) override;
    loop::Task<base::Result<User>> find_by_id(base::UserId id) override;
    loop::Task<base::Result<void>> erase(base::UserId id) override;
    loop::Task<base::Result<void>> replace_password_hash(base::UserId id, std::string known,
                                                         std::string renewed) override;
    loop::Task<base::Result<void>> check() override;

 private:
    SqliteDatabase& database_;
    metrics::Histogram& create_duration_;
    metrics::Histogram& find_duration_;
    metrics::Histogram& erase_duration_;
    metrics::Histogram& renew_duration_;
};

}  // namespace carillon::store
