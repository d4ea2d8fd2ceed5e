#include "store/sqlite/write_transaction.hpp"

#include <algorithm>
#include <utility>

#include "store/sqlite/statements.hpp"

namespace carillon::store {
namespace {

constexpr std::int64_t kZerosMax = 64 * 1024 * 1024;
constexpr std::int64_t kZerosAtOnce = 1024 * 1024;

}  // namespace

void WriteTransaction::add_event(OutboxName outbox, OutboxEvent event) {
    const auto index = static_cast<std::size_t>(outbox);
    connection_.run(sql::kInsertEvent[index], event.event_id, event.subject, event.payload, event.traceparent,
                    event.created_at);
    event.sequence = connection_.last_row_id();
    changes_[index].added.push_back(std::move(event));
}

void WriteTransaction::remove_events(OutboxName outbox, std::vector<std::uint64_t> sequences) {
    const auto index = static_cast<std::size_t>(outbox);
    std::sort(sequences.begin(), sequences.end());
    // Neighbours go together: a relay removes mostly runs.
    for (std::size_t first = 0; first < sequences.size();) {
        std::size_t last = first;
        while (last + 1 < sequences.size() && sequences[last + 1] - sequences[last] <= 1) ++last;
        changes_[index].removed += connection_.run(sql::kRemoveEvents[index], sequences[first], sequences[last]);
        first = last + 1;
    }
}

std::uint64_t WriteTransaction::erase_events(OutboxName outbox, base::UserId user, std::uint32_t limit) {
    const auto index = static_cast<std::size_t>(outbox);
    const std::string text = user.to_string();
    const auto removed = connection_.run(sql::kEraseEvents[index], text, limit);
    changes_[index].removed += removed;
    return static_cast<std::uint64_t>(removed);
}

void WriteTransaction::overwrite_deleted_bytes() {
    connection_.execute("PRAGMA secure_delete = ON");
    overwrites_ = true;
}

void WriteTransaction::overwrite_free_pages() {
    std::int64_t bytes_left = 0;
    {
        SqliteQuery free{connection_, sql::kFreeBytes};
        if (free.next()) bytes_left = std::min(free.integer(0), kZerosMax);
    }
    while (bytes_left > 0 && !connection_.failed()) {
        const auto size = std::min(bytes_left, kZerosAtOnce);
        connection_.run(sql::kInsertZeros, size);
        bytes_left -= size;
    }
    connection_.run(sql::kRemoveZeros);
}

WriteTransaction::Mark WriteTransaction::mark() const {
    Mark mark;
    for (std::size_t i = 0; i < kOutboxNames; ++i) {
        mark.added[i] = changes_[i].added.size();
        mark.removed[i] = changes_[i].removed;
    }
    return mark;
}

void WriteTransaction::rewind(const Mark& mark) {
    for (std::size_t i = 0; i < kOutboxNames; ++i) {
        changes_[i].added.resize(mark.added[i]);
        changes_[i].removed = mark.removed[i];
    }
}

}  // namespace carillon::store
