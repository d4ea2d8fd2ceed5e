#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/ids.hpp"
#include "gateway/notification_api.hpp"
#include "loop/task.hpp"

namespace carillon::gateway {

/// Reads the counters of many users in few calls: what is asked for in one turn of the loop, or while calls are under
/// way, shares the next call. Touched only on its executor's thread. What waits is bounded by the users held there.
class CountReader : public std::enable_shared_from_this<CountReader> {
 public:
    static constexpr std::size_t kBatchMax = 500;
    static constexpr int kCallsMax = 4;
    using Callback = std::function<void(const ApiResult<InboxCount>&)>;

    /// `api` outlives the executor's loop.
    CountReader(loop::Executor executor, NotificationApi& api) : executor_{std::move(executor)}, api_{api} {}

    /// `callback` runs once, later, with a count read after this call.
    void ask(base::UserId user, Callback callback);
    /// Forgets all callbacks; none runs after this.
    void stop();
    std::size_t waiting() const { return waiting_.size(); }

 private:
    using Batch = std::unordered_map<base::UserId, std::vector<Callback>>;

    void plan();
    void start_call();
    static loop::Task<void> call(std::shared_ptr<CountReader> self, Batch batch);

    // Constant after construction.
    const loop::Executor executor_;
    NotificationApi& api_;

    Batch waiting_;
    int calls_ = 0;
    bool planned_ = false;
    bool stopped_ = false;
};

}  // namespace carillon::gateway
