#include "store/sqlite/readers.hpp"

#include <pthread.h>

#include <memory>
#include <utility>

#include "store/open_error.hpp"

namespace carillon::store {

SqliteReaders::SqliteReaders(const std::filesystem::path& file, ReaderLimits limits) : limits_{limits} {
    std::vector<SqliteConnection> connections;
    for (std::size_t i = 0; i < limits_.threads; ++i) {
        auto& connection = connections.emplace_back(file, SqliteAccess::read_only);
        connection.execute("PRAGMA busy_timeout = 2000; PRAGMA cache_size = -8192; PRAGMA query_only = ON");
        if (const auto failure = connection.take_failure()) {
            throw OpenError{"cannot read the database " + file.string() + ": " + *failure};
        }
    }
    for (auto& connection : connections) {
        threads_.emplace_back([this, owned = std::make_shared<SqliteConnection>(std::move(connection))] {
            pthread_setname_np(pthread_self(), "store-reader");
            serve(std::move(*owned));
        });
    }
}

SqliteReaders::~SqliteReaders() {
    close();
}

SqliteReaders::Posted SqliteReaders::post(Work work) {
    {
        const std::lock_guard lock{mutex_};
        if (closing_) return Posted::closed;
        if (queue_.size() >= limits_.queue_max) return Posted::full;
        queue_.push_back({std::move(work), std::chrono::steady_clock::now() + limits_.time_max});
    }
    wake_.notify_one();
    return Posted::yes;
}

void SqliteReaders::close() {
    {
        const std::lock_guard lock{mutex_};
        closing_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) {
        if (thread.joinable()) thread.join();
    }
}

void SqliteReaders::serve(SqliteConnection connection) {
    for (;;) {
        Waiting next;
        {
            std::unique_lock lock{mutex_};
            wake_.wait(lock, [this] { return closing_ || !queue_.empty(); });
            if (queue_.empty()) return;
            next = std::move(queue_.front());
            queue_.pop_front();
        }
        const bool stale = std::chrono::steady_clock::now() > next.deadline;
        connection.set_deadline(next.deadline);
        next.work(stale ? nullptr : &connection);
        connection.set_deadline(std::nullopt);
    }
}

}  // namespace carillon::store
