#include "contracts/error_codes.hpp"

#include <array>
#include <utility>

namespace carillon::contracts {
namespace {

constexpr std::array<std::pair<AckErrorCode, std::string_view>, 7> kAckErrorNames{{
    {AckErrorCode::invalid_payload, "invalid_payload"},
    {AckErrorCode::unauthenticated, "unauthenticated"},
    {AckErrorCode::forbidden, "forbidden"},
    {AckErrorCode::not_found, "not_found"},
    {AckErrorCode::rate_limited, "rate_limited"},
    {AckErrorCode::unavailable, "unavailable"},
    {AckErrorCode::internal, "internal"},
}};

constexpr std::array<std::pair<ConnectErrorCode, std::string_view>, 5> kConnectErrorNames{{
    {ConnectErrorCode::unauthorized, "unauthorized"},
    {ConnectErrorCode::token_expired, "token_expired"},
    {ConnectErrorCode::token_invalid, "token_invalid"},
    {ConnectErrorCode::forbidden, "forbidden"},
    {ConnectErrorCode::too_many_connections, "too_many_connections"},
}};

template <class Names, class Code>
std::string_view name_of(const Names& names, Code code) {
    for (const auto& [value, name] : names) {
        if (value == code) return name;
    }
    return "internal";
}

template <class Names>
auto code_of(const Names& names, std::string_view wanted) -> std::optional<decltype(names[0].first)> {
    for (const auto& [value, name] : names) {
        if (name == wanted) return value;
    }
    return std::nullopt;
}

}  // namespace

std::string_view to_string(AckErrorCode code) {
    return name_of(kAckErrorNames, code);
}
std::string_view to_string(ConnectErrorCode code) {
    return name_of(kConnectErrorNames, code);
}

std::optional<AckErrorCode> parse_ack_error_code(std::string_view name) {
    return code_of(kAckErrorNames, name);
}
std::optional<ConnectErrorCode> parse_connect_error_code(std::string_view name) {
    return code_of(kConnectErrorNames, name);
}

}  // namespace carillon::contracts
