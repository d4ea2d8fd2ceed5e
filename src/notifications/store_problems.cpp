#include "notifications/store_problems.hpp"

#include "base/log.hpp"
#include "store/errc.hpp"

namespace carillon::notifications {
namespace {

constexpr int kOverloadedRetryAfterS = 1;
constexpr int kUnavailableRetryAfterS = 2;
constexpr int kInFlightRetryAfterS = 1;

}  // namespace

contracts::Problem problem_of(const base::ErrorCode& error) {
    if (error == store::errc::not_found) return contracts::problem_not_found("There is no such notification.");
    if (error == store::errc::not_found_before) {
        auto problem = contracts::problem_not_found("There is no such notification.");
        problem.replayed = true;
        return problem;
    }
    if (error == store::errc::in_flight) {
        return contracts::problem_conflict("The first request with this Idempotency-Key is under way.",
                                           kInFlightRetryAfterS);
    }
    if (error == store::errc::key_reused) return contracts::problem_idempotency_mismatch();
    if (error == store::errc::overloaded) {
        return contracts::problem_unavailable(kOverloadedRetryAfterS, "The store is overloaded.");
    }
    if (error == store::errc::unavailable) {
        return contracts::problem_unavailable(kUnavailableRetryAfterS, "The store is not available.");
    }
    base::log_error("the store answered with an error that does not belong here", {{"error", error.message()}});
    return contracts::problem_internal();
}

}  // namespace carillon::notifications
