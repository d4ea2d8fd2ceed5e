#include "store/sqlite/user_data.hpp"

#include "store/outbox_events.hpp"
#include "store/sqlite/notification_rows.hpp"
#include "store/sqlite/statements.hpp"

namespace carillon::store {
namespace {

struct ErasedRows {
    std::uint64_t unread = 0;
    std::uint64_t all = 0;
};

ErasedRows erase_notifications(SqliteConnection& connection, base::UserId user) {
    ErasedRows rows;
    rows.unread = static_cast<std::uint64_t>(connection.run(sql::kEraseUnread, user, kEraseRowsMax));
    rows.all = rows.unread;
    if (rows.all < kEraseRowsMax) {
        const auto left = static_cast<std::uint32_t>(kEraseRowsMax - rows.all);
        rows.all += static_cast<std::uint64_t>(connection.run(sql::kEraseRead, user, left));
    }
    return rows;
}

}  // namespace

base::Result<EraseStep> erase_some(WriteTransaction& transaction, base::UserId user, base::TimePoint now,
                                   const std::string& traceparent) {
    auto& connection = transaction.connection();
    EraseStep step;
    step.state = state_of(connection, user).inbox;
    transaction.overwrite_deleted_bytes();
    const auto rows = erase_notifications(connection, user);
    const auto events = transaction.erase_events(OutboxName::notification, user, kEraseRowsMax);
    const auto keys = static_cast<std::uint64_t>(connection.run(sql::kEraseKeys, user, kEraseRowsMax));
    step.notifications = rows.all;
    step.more = rows.all == kEraseRowsMax || events == kEraseRowsMax || keys == kEraseRowsMax;
    if (!step.more) transaction.overwrite_free_pages();
    if (rows.all == 0 && events == 0) return step;
    step.state = advance(connection, user, step.state, step.state.unread - rows.unread);
    connection.run(sql::kSetErased, user);
    const base::EventId event_id{base::Uuid::generate_v7(now)};
    transaction.add_event(OutboxName::notification, erased_event(event_id, user, step.state, now, traceparent));
    return step;
}

OutboxEvent event_of(const SqliteQuery& query) {
    OutboxEvent event;
    event.sequence = query.number(0);
    event.event_id = query.id<base::EventId>(1);
    event.subject = query.text(2);
    event.payload = query.text(3);
    event.traceparent = query.text(4);
    event.created_at = query.time(5);
    return event;
}

std::vector<OutboxEvent> read_pending_events_of(SqliteConnection& connection, base::UserId user, std::uint64_t after,
                                                std::uint32_t limit) {
    std::vector<OutboxEvent> events;
    const std::string text = user.to_string();
    SqliteQuery row{connection, sql::kPendingEventsOf, text, after, limit};
    while (row.next()) events.push_back(event_of(row));
    return events;
}

std::vector<KeptAnswer> read_kept_answers(SqliteConnection& connection, base::UserId user, std::uint64_t after,
                                          std::uint32_t limit) {
    std::vector<KeptAnswer> answers;
    SqliteQuery row{connection, sql::kKeptAnswers, user, after, limit};
    while (row.next()) answers.push_back({row.number(0), row.time(1), row.text(2)});
    return answers;
}

}  // namespace carillon::store
