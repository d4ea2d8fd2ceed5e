#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "store/outbox_store.hpp"
#include "store/sqlite/connection.hpp"

namespace carillon::store {

/// The outbox of a service. The value is an index into arrays by outbox.
enum class OutboxName : std::uint8_t { notification, auth };
inline constexpr std::size_t kOutboxNames = 2;

/// What one transaction did to one outbox.
struct OutboxChange {
    std::vector<OutboxEvent> added;
    std::int64_t removed = 0;
};
using OutboxChanges = std::array<OutboxChange, kOutboxNames>;

/// The open transaction of the writer, as the stores see it: the connection, and a record of what happens to the
/// outboxes, for after the commit. Thread: the writer's.
class WriteTransaction {
 public:
    explicit WriteTransaction(SqliteConnection& connection) : connection_{connection} {}

    SqliteConnection& connection() { return connection_; }
    /// Puts the event into the outbox and gives it its sequence.
    void add_event(OutboxName outbox, OutboxEvent event);
    /// Unknown sequences are passed over.
    void remove_events(OutboxName outbox, std::vector<std::uint64_t> sequences);

    /// Takes away at most `limit` events of the user, oldest first; returns how many.
    std::uint64_t erase_events(OutboxName outbox, base::UserId user, std::uint32_t limit);
    /// What is deleted from here on is overwritten in the file, and the log that still has it is emptied after the
    /// commit.
    void overwrite_deleted_bytes();
    /// And what was deleted before: fills the free pages of the file with zeros, up to 64 MB of them.
    void overwrite_free_pages();
    bool overwrites_deleted_bytes() const { return overwrites_; }

    /// A point to which the record goes back together with the transaction.
    struct Mark {
        std::array<std::size_t, kOutboxNames> added{};
        std::array<std::int64_t, kOutboxNames> removed{};
    };
    Mark mark() const;
    void rewind(const Mark& mark);
    OutboxChanges take_changes() { return std::exchange(changes_, {}); }

 private:
    SqliteConnection& connection_;
    OutboxChanges changes_;
    bool overwrites_ = false;
};

}  // namespace carillon::store
