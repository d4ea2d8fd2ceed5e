#include "gateway/comeback.hpp"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cstring>

namespace carillon::gateway {
namespace {

// The plain text: format, user, version + 1 (0: unknown), length of the socket id, socket id, namespace.
constexpr char kFormat = 1;
constexpr std::size_t kUserAt = 1;
constexpr std::size_t kVersionAt = kUserAt + 16;
constexpr std::size_t kLengthAt = kVersionAt + 8;
constexpr std::size_t kTextsAt = kLengthAt + 1;
constexpr std::size_t kSocketIdMax = 64;

std::array<char, 8> big_endian(std::uint64_t number) {
    std::array<char, 8> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(number >> (56 - 8 * i));
    return bytes;
}

std::uint64_t number_of(std::string_view bytes) {
    std::uint64_t number = 0;
    for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
    return number;
}

/// Ids go into JSON as they are.
bool is_socket_id(std::string_view id) {
    static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return !id.empty() && id.size() <= kSocketIdMax && id.find_first_not_of(kAlphabet) == std::string_view::npos;
}

/// The string member, or nothing.
std::optional<std::string_view> text_member(const boost::json::object& object, std::string_view name) {
    const auto* const value = object.if_contains(name);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string_view{value->as_string()};
}

bool is_digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::string PidSealer::seal(const Pid& pid) const {
    std::string plain;
    plain.reserve(kTextsAt + pid.socket_id.size() + pid.nsp.size());
    plain.push_back(kFormat);
    plain.append(reinterpret_cast<const char*>(pid.user.uuid.bytes.data()), pid.user.uuid.bytes.size());
    const auto version = big_endian(pid.version ? *pid.version + 1 : 0);
    plain.append(version.data(), version.size());
    plain.push_back(static_cast<char>(pid.socket_id.size()));
    plain += pid.socket_id;
    plain += pid.nsp;
    return sealer_.seal(plain);
}

std::optional<Pid> PidSealer::open(std::string_view sealed) const {
    const auto plain = sealer_.open(sealed);
    if (!plain || plain->size() < kTextsAt || plain->front() != kFormat) return std::nullopt;
    const std::string_view text{*plain};
    Pid pid;
    std::memcpy(pid.user.uuid.bytes.data(), text.data() + kUserAt, pid.user.uuid.bytes.size());
    const std::uint64_t version = number_of(text.substr(kVersionAt, 8));
    if (version > 0) pid.version = version - 1;
    const auto length = static_cast<unsigned char>(text[kLengthAt]);
    if (text.size() < kTextsAt + length) return std::nullopt;
    pid.socket_id = text.substr(kTextsAt, length);
    pid.nsp = text.substr(kTextsAt + length);
    if (!is_socket_id(pid.socket_id)) return std::nullopt;
    return pid;
}

std::optional<Comeback> find_comeback(const socketio::Handshake& handshake, base::UserId user, std::string_view nsp,
                                      const PidSealer& pids) {
    boost::system::error_code error;
    const auto auth = boost::json::parse(handshake.auth_json, error);
    if (error || !auth.is_object()) return std::nullopt;
    const auto& members = auth.as_object();
    const auto shown = text_member(members, "pid");
    if (!shown) return std::nullopt;
    auto pid = pids.open(*shown);
    if (!pid || pid->user != user || pid->nsp != nsp) return std::nullopt;
    auto since = pid->version;
    if (members.contains("offset")) {
        const auto offset = text_member(members, "offset");
        since = offset ? base::parse_version(*offset) : std::nullopt;
    }
    if (!since) return std::nullopt;
    return Comeback{std::string{*shown}, std::move(pid->socket_id), *since};
}

bool takes_offsets(const socketio::Handshake& handshake) {
    const auto wish = handshake.query.find("recovery");
    if (wish != handshake.query.end() && (wish->second == "0" || wish->second == "false")) return false;
    const auto time = handshake.query.find("t");
    if (time == handshake.query.end()) return true;
    const std::string_view text = time->second;
    const auto dot = text.find('.');
    return dot == std::string_view::npos || !is_digits(text.substr(0, dot)) || !is_digits(text.substr(dot + 1));
}

}  // namespace carillon::gateway
