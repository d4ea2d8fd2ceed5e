#pragma once

#include "base/result.hpp"
#include "contracts/problem.hpp"

namespace carillon::notifications {

/// The one place where the store's errors become problems.
contracts::Problem problem_of(const base::ErrorCode& error);

}  // namespace carillon::notifications
