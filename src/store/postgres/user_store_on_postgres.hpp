#pragma once

#include "store/postgres/database.hpp"
#include "store/user_store.hpp"

namespace carillon::store::postgres {

/// The users in the schema `auth`. Its contract is the port's.
class UserStoreOnPostgres final : public UserStore {
 public:
    explicit UserStoreOnPostgres(Database& database);

    loop::Task<base::Result<void>> create(User user, std::string traceparent) override;
    loop::Task<base::Result<User>> find_by_email(std::string email) override;
    loop::Task<base::Result<User>> find_by_id(base::UserId id) override;
    loop::Task<base::Result<void>> erase(base::UserId id) override;
    loop::Task<base::Result<void>> replace_password_hash(base::UserId id, std::string known,
                                                         std::string renewed) override;
    loop::Task<base::Result<void>> check() override;

 private:
    loop::Task<base::Result<User>> find(Request request);

    Database& database_;
    metrics::Histogram& create_duration_;
    metrics::Histogram& find_duration_;
    metrics::Histogram& erase_duration_;
    metrics::Histogram& renew_duration_;
};

}  // namespace carillon::store::postgres
