#include "store/testing/drive.hpp"

#include <unistd.h>

#include "base/ids.hpp"
#include "loop/event_loop.hpp"

namespace carillon::store::testing {
namespace {

struct ProcessLoop {
    pid_t process = ::getpid();
    loop::EventLoop loop{"test"};
};

}  // namespace

loop::Executor test_executor() {
    // Wakes OpenSSL before the loop is made, so that the loop's thread has ended when OpenSSL cleans up at exit.
    static const base::Uuid kFirst = base::Uuid::generate_v7(base::system_clock().now());
    static_cast<void>(kFirst);
    static auto current = std::make_unique<ProcessLoop>();
    static bool started = false;
    if (current->process != ::getpid()) {
        // Of the parent: its thread does not exist here, so it can be neither used nor joined.
        static const auto* parents = current.release();
        static_cast<void>(parents);
        current = std::make_unique<ProcessLoop>();
        started = false;
    }
    if (!started) {
        current->loop.start();
        started = true;
    }
    return current->loop.executor();
}

}  // namespace carillon::store::testing
