#include "store/testing/drive.hpp"

#include <unistd.h>

#include "loop/event_loop.hpp"

namespace carillon::store::testing {
namespace {

struct ProcessLoop {
    pid_t process = ::getpid();
    loop::EventLoop loop{"test"};
};

}  // namespace

loop::Executor test_executor() {
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
