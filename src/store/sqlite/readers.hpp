#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "store/failure_log.hpp"
#include "store/sqlite/connection.hpp"

namespace carillon::store {

struct ReaderLimits {
    std::size_t threads = 2;
    std::size_t queue_max = 10'000;
    /// Of waiting and running together; a query that passes it is stopped.
    std::chrono::milliseconds time_max{10'000};
};

/// Threads that read, each with a connection of its own. Readers and the writer do not wait for each other; a read sees
/// everything that was answered before it was posted.
class SqliteReaders {
 public:
    /// What a query may find instead of a connection: nothing, when it waited too long.
    using Work = std::function<void(SqliteConnection* connection)>;

    SqliteReaders(const std::filesystem::path& file, ReaderLimits limits);
    ~SqliteReaders();
    SqliteReaders(const SqliteReaders&) = delete;
    SqliteReaders& operator=(const SqliteReaders&) = delete;

    enum class Posted { yes, full, closed };
    /// Runs `work` on a reader's thread, later. Thread: any.
    [[nodiscard]] Posted post(Work work);
    /// Takes no more, finishes what waits, ends the threads.
    void close();
    FailureLog& log() { return log_; }

 private:
    struct Waiting {
        Work work;
        base::SteadyTime deadline;
    };

    void serve(SqliteConnection connection);

    // Constant after construction
    const ReaderLimits limits_;
    FailureLog log_{"reads"};

    // Guarded by mutex_
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Waiting> queue_;
    bool closing_ = false;

    std::vector<std::thread> threads_;
};

}  // namespace carillon::store
