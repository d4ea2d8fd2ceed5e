#pragma once

#include <boost/asio/io_context.hpp>

#include "base/testing/fake_clock.hpp"
#include "gateway/deadline_queue.hpp"
#include "loop/task.hpp"

namespace carillon::gateway::testing {

/// A loop that turns only when told to, with a clock that moves only when told to.
class ManualLoop {
 public:
    loop::Executor executor() { return context_.get_executor(); }
    /// Runs everything that is ready, and what that makes ready.
    void settle() {
        context_.restart();
        while (context_.poll() > 0) {
        }
    }
    void advance(std::chrono::milliseconds by) {
        settle();
        clock.advance(by);
        deadlines.run_due(clock.steady_now());
        settle();
    }

    base::FakeClock clock;
    DeadlineQueue deadlines;

 private:
    boost::asio::io_context context_{1};
};

}  // namespace carillon::gateway::testing
