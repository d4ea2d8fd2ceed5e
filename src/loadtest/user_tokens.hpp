#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "loadtest/plan.hpp"

namespace carillon::loadtest {

/// The users of a run and their tokens, by user number.
struct UserTokens {
    std::vector<base::UserId> users;
    std::vector<std::string> tokens;
};

/// Mints a token for each user of the plan, who are strangers made from `run`; or takes the given ones. Throws
/// SetupError when there is neither key nor token, or a token without a UUID as `sub`.
UserTokens make_user_tokens(const Plan& plan, std::uint64_t run);

}  // namespace carillon::loadtest
