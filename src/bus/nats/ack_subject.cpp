#include "bus/nats/ack_subject.hpp"

#include <array>
#include <charconv>

namespace carillon::bus {
namespace {

constexpr std::string_view kPrefix = "$JS.ACK.";
constexpr std::size_t kTokensOld = 7;
constexpr std::size_t kTokensNew = 9;  // and more, which later servers may add
constexpr std::size_t kTokensKept = 9;

bool read_number(std::string_view text, std::uint64_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::optional<AckSubject> parse_ack_subject(std::string_view subject) {
    if (!subject.starts_with(kPrefix)) return std::nullopt;
    subject.remove_prefix(kPrefix.size());
    std::array<std::string_view, kTokensKept> tokens;
    std::size_t count = 0;
    while (true) {
        const auto dot = subject.find('.');
        if (count < tokens.size()) tokens[count] = subject.substr(0, dot);
        ++count;
        if (dot == std::string_view::npos) break;
        subject.remove_prefix(dot + 1);
    }
    if (count != kTokensOld && count < kTokensNew) return std::nullopt;
    const std::size_t at = count == kTokensOld ? 0 : 2;
    AckSubject parsed;
    parsed.stream = tokens[at];
    if (!read_number(tokens[at + 2], parsed.deliveries) || !read_number(tokens[at + 3], parsed.stream_sequence) ||
        !read_number(tokens[at + 4], parsed.consumer_sequence)) {
        return std::nullopt;
    }
    return parsed;
}

}  // namespace carillon::bus
