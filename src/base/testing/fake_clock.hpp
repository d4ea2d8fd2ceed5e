#pragma once

#include "base/clock.hpp"

namespace carillon::base {

/// A clock that moves only when told to. Thread: the test's.
class FakeClock final : public Clock {
 public:
    TimePoint now() const override { return now_; }
    SteadyTime steady_now() const override { return steady_; }

    void advance(std::chrono::milliseconds by) {
        now_ += by;
        steady_ += by;
    }

 private:
    TimePoint now_{std::chrono::sys_days{std::chrono::year{2026} / 11 / 23}};
    SteadyTime steady_{std::chrono::hours{1}};
};

}  // namespace carillon::base
