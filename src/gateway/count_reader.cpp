#include "gateway/count_reader.hpp"

#include <utility>

namespace carillon::gateway {

void CountReader::ask(base::UserId user, Callback callback) {
    if (stopped_) return;
    waiting_[user].push_back(std::move(callback));
    plan();
}

void CountReader::stop() {
    stopped_ = true;
    waiting_.clear();
}

void CountReader::plan() {
    if (planned_ || calls_ >= kCallsMax || waiting_.empty()) return;
    planned_ = true;
    loop::post(executor_, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || self->stopped_) return;
        self->planned_ = false;
        self->start_call();
        self->plan();
    });
}

void CountReader::start_call() {
    if (waiting_.empty()) return;
    Batch batch;
    if (waiting_.size() <= kBatchMax) {
        batch = std::exchange(waiting_, {});
    } else {
        while (batch.size() < kBatchMax) batch.insert(waiting_.extract(waiting_.begin()));
    }
    ++calls_;
    loop::spawn(executor_, call(shared_from_this(), std::move(batch)), "gateway: read counts");
}

loop::Task<void> CountReader::call(std::shared_ptr<CountReader> self, Batch batch) {
    std::vector<base::UserId> users;
    users.reserve(batch.size());
    for (const auto& [user, callbacks] : batch) users.push_back(user);

    ApiResult<std::vector<InboxCount>> counts = contracts::problem_internal();
    try {
        counts = co_await self->api_.counts(users);
    } catch (const std::exception&) {
        // Counted as a failed call: the callbacks must run, and the number of calls must come down.
    }
    --self->calls_;
    const bool complete = counts && counts->size() == users.size();
    for (std::size_t i = 0; i < users.size(); ++i) {
        const ApiResult<InboxCount> answer = complete ? ApiResult<InboxCount>{(*counts)[i]}
                                             : counts ? ApiResult<InboxCount>{contracts::problem_internal()}
                                                      : ApiResult<InboxCount>{counts.error()};
        for (const auto& callback : batch[users[i]]) {
            if (!self->stopped_) callback(answer);
        }
    }
    self->plan();
}

}  // namespace carillon::gateway
