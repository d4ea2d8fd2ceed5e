#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "loop/suspend.hpp"
#include "metrics/registry.hpp"
#include "store/call_timer.hpp"
#include "store/errc.hpp"
#include "store/sqlite/readers.hpp"
#include "store/sqlite/writer.hpp"

/// From the coroutines of the stores to the threads of the database and back. Internal to the room.
namespace carillon::store {

/// A mutation of `parts` parts with results of type `T`.
template <class T>
class MutationOf final : public Mutation {
 public:
    using Results = std::vector<base::Result<T>>;
    using Work = std::function<base::Result<T>(WriteTransaction&, std::size_t part)>;

    MutationOf(std::size_t parts, std::size_t weight, Work work, loop::Resume<Results> resume)
        : results_(parts, base::Result<T>{make_error_code(errc::unavailable)}),
          weight_{weight},
          work_{std::move(work)},
          resume_{std::move(resume)} {}

    std::size_t parts() const override { return results_.size(); }
    std::size_t weight() const override { return weight_; }
    base::ErrorCode apply(std::size_t part, WriteTransaction& transaction) override {
        results_[part] = work_(transaction, part);
        return results_[part].has_error() ? results_[part].error() : base::ErrorCode{};
    }
    void fail(std::size_t part, base::ErrorCode error) override { results_[part] = error; }
    void answer() override {
        // Let go of at once: it holds on to the caller's loop.
        const auto resume = std::exchange(resume_, nullptr);
        resume(std::move(results_));
    }

 private:
    Results results_;
    const std::size_t weight_;
    Work work_;
    loop::Resume<Results> resume_;
};

/// Has the writer apply `work` to each part, all in one transaction (with others'), and returns when it is durable.
template <class T>
loop::Task<std::vector<base::Result<T>>> mutate_parts(SqliteWriter& writer, metrics::Histogram& duration,
                                                      std::size_t parts, typename MutationOf<T>::Work work,
                                                      std::size_t weight) {
    using Results = std::vector<base::Result<T>>;
    const CallTimer timer{duration};
    std::function<void(loop::Resume<Results>)> start = [&writer, &work, parts, weight](loop::Resume<Results> resume) {
        writer.post(std::make_unique<MutationOf<T>>(parts, weight, std::move(work), std::move(resume)));
    };
    co_return co_await loop::suspend<Results>(std::move(start));
}

/// The same for one part that changes about `weight` rows.
template <class T>
loop::Task<base::Result<T>> mutate(SqliteWriter& writer, metrics::Histogram& duration,
                                   std::function<base::Result<T>(WriteTransaction&)> work, std::size_t weight = 1) {
    typename MutationOf<T>::Work part = [work = std::move(work)](WriteTransaction& transaction, std::size_t) {
        return work(transaction);
    };
    auto results = co_await mutate_parts<T>(writer, duration, 1, std::move(part), weight);
    co_return std::move(results.front());
}

/// Runs `work` in a read transaction; `unavailable` when a statement failed.
template <class T>
base::Result<T> in_snapshot(SqliteConnection& connection, FailureLog& log,
                            const std::function<base::Result<T>(SqliteConnection&)>& work) {
    connection.run("BEGIN");
    base::Result<T> result = work(connection);
    connection.run("COMMIT");
    const auto failure = connection.take_failure();
    if (!failure) {
        log.worked();
        return result;
    }
    log.failed(*failure);
    connection.set_deadline(std::nullopt);
    if (connection.in_transaction()) connection.execute("ROLLBACK");
    connection.take_failure();
    return errc::unavailable;
}

/// Has a reader run `work` in one snapshot.
template <class T>
loop::Task<base::Result<T>> query(SqliteReaders& readers, metrics::Histogram& duration,
                                  std::function<base::Result<T>(SqliteConnection&)> work) {
    using Answer = base::Result<T>;
    const CallTimer timer{duration};
    std::function<void(loop::Resume<Answer>)> start = [&readers, &work](loop::Resume<Answer> resume) {
        const auto posted = readers.post([&readers, work = std::move(work), resume](SqliteConnection* connection) {
            resume(connection == nullptr ? Answer{make_error_code(errc::unavailable)}
                                         : in_snapshot<T>(*connection, readers.log(), work));
        });
        if (posted == SqliteReaders::Posted::full) resume(make_error_code(errc::overloaded));
        if (posted == SqliteReaders::Posted::closed) resume(make_error_code(errc::unavailable));
    };
    co_return co_await loop::suspend<Answer>(std::move(start));
}

}  // namespace carillon::store
