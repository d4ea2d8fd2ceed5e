#include "socketio/sid_codec.hpp"

#include <algorithm>
#include <array>
#include <cassert>

#include "base/hmac.hpp"
#include "base/ids.hpp"
#include "socketio/base64.hpp"

namespace carillon::socketio {
namespace {

constexpr std::string_view kUrlSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
// Node, two characters of shard, 19 of randomness (114 bits), MAC (48 bits).
constexpr std::size_t kRandomLength = 19;
constexpr std::size_t kMacBytes = 6;
constexpr std::size_t kBodyLength = SidCodec::kNodeLength + 2 + kRandomLength;
static_assert(kBodyLength + kMacBytes * 4 / 3 == SidCodec::kSidLength);

std::string random_text(std::size_t characters) {
    std::array<char, 32> bytes{};
    base::random_bytes(bytes.data(), bytes.size());
    return encode_base64url({bytes.data(), bytes.size()}).substr(0, characters);
}

bool same(std::string_view a, std::string_view b) {
    // In constant time: a MAC is compared.
    unsigned different = a.size() == b.size() ? 0U : 1U;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        different |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
    }
    return different == 0;
}

}  // namespace

SidCodec::SidCodec() : SidCodec{random_node(), random_text(43)} {}

SidCodec::SidCodec(std::string node, std::string key) : node_{std::move(node)}, key_{std::move(key)} {
    assert(node_.size() == kNodeLength);
}

std::string SidCodec::random_node() {
    return random_text(kNodeLength);
}

std::string SidCodec::mac_of(std::string_view body) const {
    const auto digest = base::hmac_sha256(key_, body);
    return encode_base64url({reinterpret_cast<const char*>(digest.data()), kMacBytes});
}

std::string SidCodec::make(std::uint16_t shard) const {
    std::string sid;
    sid.reserve(kSidLength);
    sid += node_;
    sid += kUrlSafe[(shard >> 6) & 0x3F];
    sid += kUrlSafe[shard & 0x3F];
    sid += random_text(kRandomLength);
    sid += mac_of(sid);
    return sid;
}

std::optional<SidCodec::Owner> SidCodec::owner_of(std::string_view sid) const {
    if (sid.size() != kSidLength) return std::nullopt;
    const auto body = sid.substr(0, kBodyLength);
    if (!same(mac_of(body), sid.substr(kBodyLength))) return std::nullopt;
    const std::size_t high = kUrlSafe.find(body[kNodeLength]);
    const std::size_t low = kUrlSafe.find(body[kNodeLength + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    return Owner{std::string{body.substr(0, kNodeLength)}, static_cast<std::uint16_t>((high << 6) | low)};
}

}  // namespace carillon::socketio
