#include "contracts/created_event_scanner.hpp"

#include <algorithm>
#include <charconv>

#include "contracts/json_writer.hpp"

namespace carillon::contracts {
namespace {

constexpr std::size_t kUuidChars = 36;
constexpr std::size_t kTimeChars = 24;    // 2026-11-23T08:17:13.042Z
constexpr std::size_t kCountDigits = 15;  // below 2^53, whatever they are
constexpr std::size_t kVersionDigits = 19;

bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

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
        const auto text = chars(kUuidChars);
        const auto parsed = Id::parse(text);
        good_ = good_ && parsed;
        lower_case_ = lower_case_ && std::none_of(text.begin(), text.end(), is_upper);
        return parsed.value_or(Id{});
    }
    /// Up to the closing quote.
    std::string_view text(std::size_t chars_min, std::size_t chars_max) {
        if (!good_) return {};
        std::size_t at = 0;
        std::size_t code_points = 0;
        while (at < rest_.size() && rest_[at] != '"') {
            const std::size_t size = char_size(rest_.substr(at));
            if (size == 0) break;
            at += size;
            ++code_points;
        }
        good_ = at < rest_.size() && rest_[at] == '"' && code_points >= chars_min && code_points <= chars_max;
        return chars(at);
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
    bool lower_case() const { return lower_case_; }
    const char* place() const { return rest_.data(); }

 private:
    /// Bytes of the character that a string goes on with; 0 when it is none that is taken here.
    static std::size_t char_size(std::string_view text) {
        const auto byte = static_cast<unsigned char>(text.front());
        if (byte >= 0x80) return utf8_sequence(text);
        if (byte != '\\') return byte >= 0x20 ? 1 : 0;
        // As the encoder writes them: a slash is not escaped.
        return text.size() > 1 && std::string_view{"\"\\bfnrt"}.find(text[1]) != std::string_view::npos ? 2 : 0;
    }

    std::string_view rest_;
    bool good_ = true;
    bool lower_case_ = true;
};

std::string unescape(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            out.push_back(text[i]);
            continue;
        }
        constexpr std::string_view kWritten = "\"\\bfnrt";
        constexpr std::string_view kMeant = "\"\\\b\f\n\r\t";
        out.push_back(kMeant[kWritten.find(text[++i])]);
    }
    return out;
}

}  // namespace

std::optional<CreatedEventText> scan_created_event(std::string_view json) {
    Scanner in{json};
    CreatedEventText event;
    in.require("{\"eventId\":\"");
    event.event_id = in.id<base::EventId>();
    in.require("\",");
    const char* const members = in.place();
    in.require("\"notificationId\":\"");
    event.notification_id = in.id<base::NotificationId>();
    in.require("\",\"userId\":\"");
    event.user_id = in.id<base::UserId>();
    in.require("\",\"type\":\"");
    event.type = in.text(1, kTypeCharsMax);
    in.require("\",\"title\":\"");
    event.title = in.text(1, kTitleCharsMax);
    if (in.literal("\",\"body\":\"")) event.body = in.text(0, kBodyCharsMax);
    in.require("\",\"createdAt\":\"");
    const auto time = in.chars(kTimeChars);
    const auto created_at = in.good() && time[10] == 'T' && time.back() == 'Z' ? base::parse_iso8601(time) : std::nullopt;
    if (!created_at) return std::nullopt;
    event.created_at = *created_at;
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
    const char* const members_end = in.place();
    in.require("}");
    if (!in.at_end()) return std::nullopt;
    if (in.lower_case() && event.unread_count && event.version) {
        event.socket_event_members = {members, static_cast<std::size_t>(members_end - members)};
    }
    return event;
}

NotificationCreated to_event(const CreatedEventText& text) {
    NotificationCreated event;
    event.event_id = text.event_id;
    event.notification.id = text.notification_id;
    event.notification.user_id = text.user_id;
    event.notification.type = unescape(text.type);
    event.notification.title = unescape(text.title);
    if (text.body) event.notification.body = unescape(*text.body);
    event.notification.created_at = text.created_at;
    event.notification.version = text.version.value_or(0);
    event.unread_count = text.unread_count;
    event.version = text.version;
    return event;
}

}  // namespace carillon::contracts
