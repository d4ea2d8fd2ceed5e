#include "contracts/created_event_scanner.hpp"

#include <charconv>

namespace carillon::contracts {
namespace {

constexpr std::size_t kUuidChars = 36;
constexpr std::size_t kTimeChars = 24;    // 2026-11-23T08:17:13.042Z
constexpr std::size_t kCountDigits = 15;  // below 2^53, whatever they are
constexpr std::size_t kVersionDigits = 19;

/// Takes what it is told to from the front of a text; once something does not fit, nothing does any more.
class Scanner {
 public:
    explicit Scanner(std::string_view text) : rest_{text} {}

    bool literal(std::string_view wanted) {
        if (!good_ || !rest_.starts_with(wanted)) return false;
        rest_.remove_prefix(wanted.size());
        return true;
    }
    void require(std::string_view wanted) { good_ = literal(wanted); }
    std::string_view chars(std::size_t count) {
        if (!good_ || rest_.size() < count) {
            good_ = false;
            return {};
        }
        const auto taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }
    template <class Id>
    Id id() {
        const auto parsed = Id::parse(chars(kUuidChars));
        good_ = good_ && parsed;
        return parsed.value_or(Id{});
    }
    /// Up to the closing quote.
    std::string_view text(std::size_t chars_min, std::size_t chars_max) {
        std::size_t size = 0;
        while (size < rest_.size() && rest_[size] >= 0x20 && rest_[size] < 0x7F && rest_[size] != '"' &&
               rest_[size] != '\\') {
            ++size;
        }
        good_ = good_ && size >= chars_min && size <= chars_max;
        return chars(size);
    }
    std::string_view digits(std::size_t count_max) {
        std::size_t size = 0;
        while (size < rest_.size() && rest_[size] >= '0' && rest_[size] <= '9') ++size;
        const bool plain = size == 1 || (size > 1 && rest_.front() != '0');
        good_ = good_ && plain && size <= count_max;
        return chars(size);
    }
    bool at_end() const { return good_ && rest_.empty(); }
    bool good() const { return good_; }
    void fail() { good_ = false; }

 private:
    std::string_view rest_;
    bool good_ = true;
};

}  // namespace

std::optional<NotificationCreated> scan_notification_created(std::string_view json) {
    Scanner in{json};
    NotificationCreated event;
    auto& notification = event.notification;
    in.require("{\"eventId\":\"");
    event.event_id = in.id<base::EventId>();
    in.require("\",\"notificationId\":\"");
    notification.id = in.id<base::NotificationId>();
    in.require("\",\"userId\":\"");
    notification.user_id = in.id<base::UserId>();
    in.require("\",\"type\":\"");
    notification.type = in.text(1, kTypeCharsMax);
    in.require("\",\"title\":\"");
    notification.title = in.text(1, kTitleCharsMax);
    if (in.literal("\",\"body\":\"")) notification.body = std::string{in.text(0, kBodyCharsMax)};
    in.require("\",\"createdAt\":\"");
    const auto time = in.chars(kTimeChars);
    const auto created_at = in.good() && time.back() == 'Z' ? base::parse_iso8601(time) : std::nullopt;
    if (!created_at) return std::nullopt;
    notification.created_at = *created_at;
    in.require("\"");
    if (in.literal(",\"unreadCount\":")) {
        const auto digits = in.digits(kCountDigits);
        std::from_chars(digits.data(), digits.data() + digits.size(), event.unread_count.emplace(0));
    }
    if (in.literal(",\"version\":\"")) {
        event.version = base::parse_version(in.digits(kVersionDigits));
        if (!event.version) in.fail();
        in.require("\"");
    }
    in.require("}");
    if (!in.at_end()) return std::nullopt;
    notification.version = event.version.value_or(0);
    return event;
}

}  // namespace carillon::contracts
