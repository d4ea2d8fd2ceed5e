#include "http/trusted_proxies.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "http/ascii.hpp"

namespace carillon::http {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr unsigned kMappedBits = 96;
/// More hops than any honest chain has: a client may write as many as fit into the head.
constexpr std::size_t kHopsMax = 32;

/// The values of a field that may come several times, as one list.
std::vector<std::string_view> fields_of(const Request& request, std::string_view name) {
    std::vector<std::string_view> values;
    for (const auto& [field, value] : request.headers.all()) {
        if (equals_caseless(field, name)) values.push_back(value);
    }
    return values;
}

/// Cuts at `separator`, but not inside of quotes.
std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    bool quoted = false;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (quoted && text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            quoted = !quoted;
        } else if (!quoted && text[i] == separator) {
            parts.push_back(trim_blanks(text.substr(begin, i - begin)));
            begin = i + 1;
        }
    }
    parts.push_back(trim_blanks(text.substr(std::min(begin, text.size()))));
    return parts;
}

std::string unquoted(std::string_view value) {
    if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::string{value};
    std::string out;
    for (std::size_t i = 1; i + 1 < value.size(); ++i) {
        if (value[i] == '\\' && i + 2 < value.size()) ++i;
        out.push_back(value[i]);
    }
    return out;
}

/// Without its port, if it has one.
std::string_view bare_address(std::string_view text) {
    if (text.starts_with('[')) return text.substr(1, std::min(text.find(']'), text.size()) - 1);
    if (std::count(text.begin(), text.end(), ':') == 1) return text.substr(0, text.find(':'));
    return text;
}

struct Hops {
    std::vector<std::string> addresses;  ///< the client first
    std::string proto;                   ///< what the nearest proxy says
};

Hops read_forwarded(const Request& request) {
    Hops hops;
    for (const auto field : fields_of(request, "Forwarded")) {
        for (const auto element : split(field, ',')) {
            std::string address;
            for (const auto pair : split(element, ';')) {
                const auto equals = pair.find('=');
                if (equals == std::string_view::npos) continue;
                const auto name = pair.substr(0, equals);
                if (equals_caseless(name, "for")) address = unquoted(pair.substr(equals + 1));
                if (equals_caseless(name, "proto")) hops.proto = unquoted(pair.substr(equals + 1));
            }
            hops.addresses.push_back(std::move(address));
        }
    }
    return hops;
}

Hops read_x_forwarded(const Request& request) {
    Hops hops;
    for (const auto field : fields_of(request, "X-Forwarded-For")) {
        for (const auto one : split(field, ',')) hops.addresses.emplace_back(one);
    }
    return hops;
}

std::string text_of(const std::array<std::uint8_t, 16>& address) {
    std::array<char, INET6_ADDRSTRLEN> out{};
    if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address.begin())) {
        inet_ntop(AF_INET, address.data() + kMappedPrefix.size(), out.data(), out.size());
    } else {
        inet_ntop(AF_INET6, address.data(), out.data(), out.size());
    }
    return out.data();
}

}  // namespace

std::optional<TrustedProxies::Address> TrustedProxies::parse(std::string_view text) {
    const std::string plain{text.substr(0, text.find('%'))};  // without a zone
    Address address{};
    if (inet_pton(AF_INET6, plain.c_str(), address.data()) == 1) return address;
    std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), address.begin());
    if (inet_pton(AF_INET, plain.c_str(), address.data() + kMappedPrefix.size()) == 1) return address;
    return std::nullopt;
}

TrustedProxies::TrustedProxies(const std::vector<std::string>& networks) {
    for (const auto& text : networks) {
        const auto slash = text.find('/');
        const auto address = parse(std::string_view{text}.substr(0, slash));
        const bool v4 = text.find(':') == std::string::npos;
        const unsigned bits_max = v4 ? 32 : 128;
        unsigned bits = bits_max;
        bool good = address.has_value();
        if (good && slash != std::string::npos) {
            const auto* const end = text.data() + text.size();
            const auto [rest, error] = std::from_chars(text.data() + slash + 1, end, bits);
            good = error == std::errc{} && rest == end && bits <= bits_max;
        }
        if (!good) throw std::invalid_argument{"wants an address or a network like 10.0.0.0/8, not '" + text + "'"};
        networks_.push_back({*address, v4 ? kMappedBits + bits : bits});
    }
}

bool TrustedProxies::trusts(const Address& address) const {
    return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
        const unsigned whole = network.bits / 8;
        const unsigned rest = network.bits % 8;
        if (!std::equal(address.begin(), address.begin() + whole, network.address.begin())) return false;
        if (rest == 0) return true;
        const auto mask = static_cast<std::uint8_t>(0xFF << (8 - rest));
        return (address[whole] & mask) == (network.address[whole] & mask);
    });
}

bool TrustedProxies::trusts(std::string_view address) const {
    const auto parsed = parse(address);
    return parsed && trusts(*parsed);
}

void TrustedProxies::look_through(Request& request) const {
    if (networks_.empty() || !trusts(request.remote_address)) return;
    const bool written_x = request.headers.has("X-Forwarded-For");
    const auto hops = written_x ? read_x_forwarded(request) : read_forwarded(request);
    std::string_view proto = hops.proto;
    if (written_x || proto.empty()) {
        const auto said = fields_of(request, "X-Forwarded-Proto");
        if (!said.empty()) proto = split(said.back(), ',').back();
    }
    request.over_tls = equals_caseless(proto, "https") || equals_caseless(proto, "wss");
    std::size_t looked_at = 0;
    for (auto hop = hops.addresses.rbegin(); hop != hops.addresses.rend() && looked_at < kHopsMax; ++hop, ++looked_at) {
        // One that says nothing usable ("unknown", a made-up name): nobody vouches for what is before it.
        const auto address = parse(bare_address(*hop));
        if (!address) return;
        request.remote_address = text_of(*address);
        if (!trusts(*address)) return;
    }
}

}  // namespace carillon::http
