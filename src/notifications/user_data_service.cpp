#include "notifications/user_data_service.hpp"

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "contracts/json_writer.hpp"
#include "notifications/store_problems.hpp"

namespace carillon::notifications {
namespace {

/// Less than callers wait for an answer.
constexpr std::chrono::seconds kEraseTimeMax{8};
constexpr int kEraseRetryAfterS = 1;

/// What an export goes through, in this order.
enum class Section : char { notifications = 'n', events = 'e', answers = 'a' };

/// Where the next page begins: a section, and the version or sequence after which it goes on.
struct ExportCursor {
    Section section = Section::notifications;
    std::uint64_t after = 0;  ///< 0: from the beginning
};

std::string encode(const ExportCursor& cursor) {
    return static_cast<char>(cursor.section) + std::to_string(cursor.after);
}

std::optional<ExportCursor> decode(std::string_view text) {
    if (text.empty()) return ExportCursor{};
    ExportCursor cursor;
    cursor.section = static_cast<Section>(text.front());
    const bool known = cursor.section == Section::notifications || cursor.section == Section::events ||
                       cursor.section == Section::answers;
    const auto after = base::parse_version(text.substr(1));
    if (!known || !after) return std::nullopt;
    cursor.after = *after;
    return cursor;
}

/// A page as it grows.
struct ExportPage {
    store::InboxState state;
    std::vector<contracts::Notification> notifications;
    std::vector<store::OutboxEvent> events;
    std::vector<store::KeptAnswer> answers;
    std::optional<ExportCursor> next;

    std::uint32_t room(std::uint32_t limit) const {
        return limit - static_cast<std::uint32_t>(notifications.size() + events.size() + answers.size());
    }
};

template <class List, class Append>
void append_array(std::string& out, const char* name, const List& list, Append append) {
    out += ",\"";
    out += name;
    out += "\":[";
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (i != 0) out.push_back(',');
        append(out, list[i]);
    }
    out.push_back(']');
}

void append_event(std::string& out, const store::OutboxEvent& event) {
    out += "{\"subject\":";
    contracts::append_json_string(out, event.subject);
    out += ",\"createdAt\":";
    contracts::append_time(out, event.created_at);
    out += ",\"event\":";
    out += event.payload;  // JSON of our own making
    out.push_back('}');
}

void append_answer(std::string& out, const store::KeptAnswer& answer) {
    out += "{\"createdAt\":";
    contracts::append_time(out, answer.created_at);
    out += ",\"answer\":";
    out += answer.answer_json;
    out.push_back('}');
}

std::string encode(const ExportPage& page) {
    std::string out = "{\"unreadCount\":";
    contracts::append_number(out, page.state.unread);
    out += ",\"version\":";
    contracts::append_version(out, page.state.version);
    append_array(out, "notifications", page.notifications, contracts::append_notification);
    append_array(out, "pendingEvents", page.events, append_event);
    append_array(out, "idempotencyAnswers", page.answers, append_answer);
    out += ",\"nextCursor\":";
    out += page.next ? '"' + encode(*page.next) + '"' : "null";
    out.push_back('}');
    return out;
}

/// The user's own things; an erasure leaves one pending event for a moment, which is none.
bool knows_something(const ExportPage& page) {
    return !page.notifications.empty() || !page.answers.empty();
}

}  // namespace

loop::Task<ServiceResult<std::string>> UserDataService::export_page(base::UserId user, std::string cursor,
                                                                    std::uint32_t limit) {
    if (limit < 1 || limit > contracts::kPageLimitMax) {
        co_return contracts::problem_bad_request("limit must be from 1 to 100");
    }
    const auto from = decode(cursor);
    if (!from) co_return contracts::problem_bad_request("cursor must be a nextCursor of this user's data");
    ExportPage page;
    auto at = *from;
    {
        store::ListQuery query;
        query.user_id = user;
        query.limit = limit;
        if (at.section != Section::notifications) query.limit = 1;  // for the counters
        if (at.after != 0 && at.section == Section::notifications) query.before = at.after;
        auto listing = notifications_.list(query);
        auto listed = co_await std::move(listing);
        if (!listed) co_return problem_of(listed.error());
        page.state = listed->state;
        if (at.section == Section::notifications) {
            page.notifications = std::move(listed->notifications);
            if (listed->next_before) page.next = ExportCursor{Section::notifications, *listed->next_before};
            at = {Section::events, 0};
        }
    }
    if (!page.next && at.section == Section::events) {
        if (page.room(limit) == 0) {
            page.next = at;
        } else {
            auto reading = data_.pending_events(user, at.after, page.room(limit));
            auto events = co_await std::move(reading);
            if (!events) co_return problem_of(events.error());
            page.events = std::move(*events);
            if (page.room(limit) == 0) page.next = ExportCursor{Section::events, page.events.back().sequence};
            at = {Section::answers, 0};
        }
    }
    if (!page.next) {
        if (page.room(limit) == 0) {
            page.next = at;
        } else {
            auto reading = data_.kept_answers(user, at.after, page.room(limit));
            auto answers = co_await std::move(reading);
            if (!answers) co_return problem_of(answers.error());
            page.answers = std::move(*answers);
            if (page.room(limit) == 0) page.next = ExportCursor{Section::answers, page.answers.back().sequence};
        }
    }
    if (cursor.empty() && !knows_something(page)) {
        co_return contracts::problem_not_found("Nothing is kept of this user.");
    }
    co_return encode(page);
}

loop::Task<ServiceResult<ErasedUser>> UserDataService::erase(base::UserId user, std::string traceparent) {
    const auto deadline = clock_.steady_now() + kEraseTimeMax;
    ErasedUser erased;
    for (;;) {
        auto erasing = data_.erase(user, clock_.now(), traceparent);
        const auto step = co_await std::move(erasing);
        if (!step) co_return problem_of(step.error());
        erased.notifications += step->notifications;
        if (!step->more) break;
        if (clock_.steady_now() > deadline) {
            co_return contracts::problem_unavailable(kEraseRetryAfterS, "There is more to erase: send this again.");
        }
    }
    base::log_info("the data of a user were erased",
                   {{"user", user.to_string()}, {"notifications", erased.notifications}});
    co_return erased;
}

}  // namespace carillon::notifications
