#include "loadtest/loadtest.hpp"

#include <sys/resource.h>

#include "loadtest/endpoint.hpp"
#include "loadtest/scenarios.hpp"
#include "loadtest/session.hpp"

namespace carillon::loadtest {
namespace {

/// Beside the clients: callers, epoll, the standard streams, files.
constexpr std::size_t kOtherDescriptors = 200;

}  // namespace

void raise_descriptor_limit(std::size_t clients) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const std::size_t needed = clients + kOtherDescriptors;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < needed) {
        throw SetupError("--clients: " + std::to_string(clients) + " need " + std::to_string(needed) +
                         " open files, and the hard limit is " + std::to_string(limit.rlim_max) + " (ulimit -Hn)");
    }
}

Result run_plan(const Plan& plan, const std::atomic<bool>& stop, const Observer& observer) {
    Session* running = nullptr;
    const auto on_sample = [&](const Sample& sample) {
        if (!observer.on_progress || running == nullptr) return;
        const std::uint64_t open = running->deliveries().counts().lost();
        observer.on_progress(progress_line(sample, plan, running->result().server_names, open));
    };
    Session session{plan, stop, on_sample};
    running = &session;
    run_scenario(session);
    Result result = session.finish();
    running = nullptr;
    return result;
}

}  // namespace carillon::loadtest
