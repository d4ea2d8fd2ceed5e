#include "app/read_gatherer.hpp"

#include <exception>
#include <iterator>
#include <utility>

#include "base/log.hpp"

namespace carillon::app {
namespace {

constexpr int kRetryAfterSeconds = 1;
constexpr std::size_t kBusyMarks = 8;

/// None when sending ends by an exception: those who wait are to hear of it, too.
loop::Task<std::vector<ReadGatherer::Result>> answers(const ReadGatherer::Send& send,
                                                      std::vector<contracts::ReadsItem> items) {
    try {
        auto sending = send(std::move(items));
        co_return co_await std::move(sending);
    } catch (const std::exception& error) {
        base::log_error("marks could not be sent", {{"error", error.what()}});
        co_return std::vector<ReadGatherer::Result>{};
    }
}

}  // namespace

ReadGatherer::ReadGatherer(Send send, Limits limits) : send_{std::move(send)}, limits_{limits} {}

loop::Task<ReadGatherer::Result> ReadGatherer::mark(contracts::ReadsItem item) {
    const auto executor = co_await loop::this_executor();
    const std::function<void(loop::Resume<Result>)> start = [this, &item, &executor](loop::Resume<Result> resume) {
        add({std::move(item), std::move(resume), std::chrono::steady_clock::now()}, executor);
    };
    co_return co_await loop::suspend<Result>(start);
}

void ReadGatherer::add(Waiting waiting, const loop::Executor& executor) {
    switch (queue(std::move(waiting))) {
        case Next::nothing:
            return;
        case Next::request:
            return loop::spawn(executor, send_all(shared_from_this()), "gathered marks");
        case Next::watch:
            return loop::spawn(executor, watch(shared_from_this()), "marks that wait");
    }
}

/// What its caller has to start. Nothing is started under the lock, as it may run at once.
ReadGatherer::Next ReadGatherer::queue(Waiting waiting) {
    const std::lock_guard lock{mutex_};
    if (waiting_.size() >= limits_.waiting_max) {
        waiting.resume(contracts::problem_unavailable(kRetryAfterSeconds, "Too many marks wait."));
        return Next::nothing;
    }
    waiting_.push_back(std::move(waiting));
    if ((requests_ == 0 || waiting_.size() >= limits_.beside_min) && begin_request()) return Next::request;
    return std::exchange(watched_, true) ? Next::nothing : Next::watch;
}

/// With the lock held.
bool ReadGatherer::begin_request() {
    if (requests_ >= limits_.requests_max) return false;
    ++requests_;
    return true;
}

/// Whether what waits has waited so long that it is to be sent beside what is under way. Nothing waits: no more watch.
ReadGatherer::Next ReadGatherer::look_after() {
    const std::lock_guard lock{mutex_};
    if (waiting_.empty()) {
        watched_ = false;
        return Next::nothing;
    }
    const auto long_ago = std::chrono::steady_clock::now() - limits_.wait;
    return waiting_.front().since <= long_ago && begin_request() ? Next::request : Next::watch;
}

/// Nothing when nothing waits: then the request is over.
std::vector<ReadGatherer::Waiting> ReadGatherer::take() {
    const std::lock_guard lock{mutex_};
    if (waiting_.empty()) {
        --requests_;
        return {};
    }
    if (waiting_.size() <= contracts::kBulkItemsMax) return std::exchange(waiting_, {});
    const auto end = waiting_.begin() + contracts::kBulkItemsMax;
    std::vector<Waiting> taken{std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end)};
    waiting_.erase(waiting_.begin(), end);
    return taken;
}

loop::Task<void> ReadGatherer::send_all(std::shared_ptr<ReadGatherer> self) {
    // At the end of this turn of the loop, so that what arrives in one turn goes together.
    auto yielding = loop::yield_now();
    co_await std::move(yielding);
    for (auto marks = self->take(); !marks.empty(); marks = self->take()) {
        std::vector<contracts::ReadsItem> items;
        items.reserve(marks.size());
        for (auto& mark : marks) items.push_back(std::move(mark.item));
        auto sending = answers(self->send_, std::move(items));
        auto results = co_await std::move(sending);
        results.resize(marks.size(), contracts::problem_internal());
        for (std::size_t i = 0; i < marks.size(); ++i) marks[i].resume(std::move(results[i]));
        if (marks.size() < kBusyMarks) continue;
        // Those who were answered may go on with their next marks: without this pause the first of them goes alone, and
        // all others wait for it.
        auto lingering = loop::sleep_for(self->limits_.linger);
        co_await std::move(lingering);
    }
}

/// What waits is sent before long, even if no request is answered.
loop::Task<void> ReadGatherer::watch(std::shared_ptr<ReadGatherer> self) {
    const auto executor = co_await loop::this_executor();
    for (auto next = Next::watch; next != Next::nothing; next = self->look_after()) {
        if (next == Next::request) loop::spawn(executor, send_all(self), "gathered marks");
        auto waiting = loop::sleep_for(self->limits_.wait);
        co_await std::move(waiting);
    }
}

}  // namespace carillon::app
