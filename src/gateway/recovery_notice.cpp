#include "gateway/recovery_notice.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>

namespace carillon::gateway {
namespace {

constexpr std::size_t kNoticeBytesMax = 1'024;
constexpr std::size_t kSocketIdMax = 64;

template <class Number>
bool read_number(const boost::json::object& object, std::string_view name, Number& number) {
    const auto* const value = object.if_contains(name);
    if (value == nullptr || !value->is_string()) return false;
    const std::string_view text{value->as_string()};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string encode_recovery_notice(const RecoveryNotice& notice) {
    return R"({"socketId":")" + notice.socket_id + R"(","at":")" + std::to_string(notice.entrance.at_us) +
           R"(","number":")" + std::to_string(notice.entrance.number) + R"("})";
}

std::optional<RecoveryNotice> decode_recovery_notice(std::string_view json) {
    if (json.size() > kNoticeBytesMax) return std::nullopt;
    boost::system::error_code error;
    const auto value = boost::json::parse(json, error);
    if (error || !value.is_object()) return std::nullopt;
    const auto& object = value.as_object();
    const auto* const id = object.if_contains("socketId");
    if (id == nullptr || !id->is_string() || id->as_string().empty() || id->as_string().size() > kSocketIdMax) {
        return std::nullopt;
    }
    RecoveryNotice notice;
    notice.socket_id = std::string{std::string_view{id->as_string()}};
    if (!read_number(object, "at", notice.entrance.at_us)) return std::nullopt;
    if (!read_number(object, "number", notice.entrance.number)) return std::nullopt;
    return notice;
}

bool is_older(const Entrance& entrance, std::chrono::milliseconds age, const RecoveryNotice& notice) {
    if (notice.entrance == entrance) return false;  // it is told of itself
    return age > kClockDoubt || entrance < notice.entrance;
}

}  // namespace carillon::gateway
