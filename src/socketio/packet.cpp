#include "socketio/packet.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "socketio/errc.hpp"
#include "socketio/json_scanner.hpp"
#include "socketio/utf8.hpp"

namespace carillon::socketio {
namespace {

constexpr std::string_view kAckIdMax = "9007199254740991";  // 2^53 - 1

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::string_view take_digits(std::string_view& text) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
    const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(digits.size());
    return digits;
}

bool is_ack_id(std::string_view digits) {
    const std::size_t zeros = std::min(digits.find_first_not_of('0'), digits.size());
    const std::string_view significant = digits.substr(zeros);
    if (digits.size() > kAckIdMax.size() || significant.size() > kAckIdMax.size()) return false;
    return significant.size() < kAckIdMax.size() || significant <= kAckIdMax;
}

/// `<n>-` with 1 <= n <= 10, as a number without leading zeros.
base::Result<std::uint8_t> take_attachments(std::string_view& text) {
    const std::string_view digits = take_digits(text);
    if (text.empty() || text.front() != '-') return errc::packet_invalid;
    text.remove_prefix(1);
    if (digits.empty() || digits.front() == '0') return errc::packet_invalid;
    if (digits.size() > 2) return errc::too_many;
    std::size_t count = 0;
    for (const char c : digits) count = count * 10 + static_cast<std::size_t>(c - '0');
    if (count > kAttachmentsMax) return errc::too_many;
    return static_cast<std::uint8_t>(count);
}

/// A name that can be echoed: no control characters, which would break the framing of a polling payload.
bool is_namespace_name(std::string_view name) {
    const bool clean = std::all_of(name.begin(), name.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
    return clean && name.size() <= kNamespaceNameMax && is_valid_utf8(name);
}

/// Whether a text stands between quotes as it is.
bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; });
}

char first_non_blank(std::string_view text) {
    const std::size_t at = text.find_first_not_of(" \t\r\n");
    return at == std::string_view::npos ? '\0' : text[at];
}

base::Result<void> check_payload(const Packet& packet) {
    switch (packet.type) {
        case PacketType::connect: {
            if (packet.payload.empty()) return {};
            const auto object = JsonScanner{packet.payload}.object();
            if (!object) return object.error();
            return {};
        }
        case PacketType::disconnect:
            if (!packet.payload.empty()) return errc::packet_invalid;
            return {};
        case PacketType::connect_error:
            return errc::packet_invalid;
        case PacketType::event:
        case PacketType::ack:
        case PacketType::binary_event:
        case PacketType::binary_ack:
            if (first_non_blank(packet.payload) != '[') return errc::packet_invalid;
            return {};
    }
    return errc::packet_invalid;
}

}  // namespace

base::Result<Packet> decode_packet(std::string_view text) {
    if (text.empty() || text.front() < '0' || text.front() > '6') return errc::packet_invalid;
    Packet packet;
    packet.type = static_cast<PacketType>(text.front());
    text.remove_prefix(1);
    if (packet.type == PacketType::binary_event || packet.type == PacketType::binary_ack) {
        const auto attachments = take_attachments(text);
        if (!attachments) return attachments.error();
        packet.attachments = *attachments;
    }
    if (text.starts_with('/')) {
        const std::size_t comma = text.find(',');
        packet.nsp = text.substr(0, comma);
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
        if (!is_namespace_name(packet.nsp)) return errc::packet_invalid;
    }
    packet.ack_id = take_digits(text);
    if (!is_ack_id(packet.ack_id)) return errc::too_many;
    packet.payload = text;
    CARILLON_TRY(check_payload(packet));
    return packet;
}

base::Result<void> ArrayDecoder::scan(const Packet& packet) {
    if (packet.attachments == 0) return JsonScanner{packet.payload}.array(elements_);
    PlaceholderScan placeholders{packet.attachments, 0};
    return JsonScanner{packet.payload, &placeholders}.array(elements_);
}

base::Result<ReceivedEvent> ArrayDecoder::event(const Packet& packet) {
    CARILLON_TRY(scan(packet));
    if (elements_.empty()) return errc::packet_invalid;
    const std::string_view first = elements_.front();
    ReceivedEvent event;
    if (first.front() == '"') {
        event.name = first.substr(1, first.size() - 2);
        if (event.name.find('\\') != std::string_view::npos) event.name = name_ = unescape_json_string(first);
        if (is_reserved_event(event.name)) return errc::packet_invalid;
    } else if (first.front() == '-' || is_digit(first.front())) {
        event.name = first;
    } else {
        return errc::packet_invalid;
    }
    event.arguments_json = std::span<const std::string_view>{elements_}.subspan(1);
    return event;
}

base::Result<std::span<const std::string_view>> ArrayDecoder::ack(const Packet& packet) {
    CARILLON_TRY(scan(packet));
    return std::span<const std::string_view>{elements_};
}

bool is_reserved_event(std::string_view name) {
    static constexpr std::array<std::string_view, 6> kReserved = {"connect",       "connect_error", "disconnect",
                                                                  "disconnecting", "newListener",   "removeListener"};
    return std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end();
}

std::size_t array_size(std::optional<std::string_view> name, std::span<const std::string_view> arguments_json) {
    std::size_t size = 2 + (name ? name->size() + 2 : 0);
    for (const auto argument : arguments_json) size += argument.size() + 1;
    return size;
}

std::size_t append_array(TextBuilder& out, std::optional<std::string_view> name,
                         std::span<const std::string_view> arguments_json, std::size_t attachments) {
    if (attachments > kAttachmentsMax) throw std::invalid_argument{"a packet has too many attachments"};
    PlaceholderScan placeholders{attachments, 0};
    out.push_back('[');
    if (name && is_plain(*name)) {
        out.push_back('"');
        out += *name;
        out.push_back('"');
    } else if (name) {
        std::string quoted;
        append_json_string(quoted, *name);
        out += quoted;
    }
    bool first = !name;
    for (const auto argument : arguments_json) {
        const auto value = JsonScanner{argument, attachments == 0 ? nullptr : &placeholders}.value();
        if (!value) throw std::invalid_argument{"a packet's argument: " + value.error().message()};
        if (!std::exchange(first, false)) out.push_back(',');
        out += *value;
    }
    out.push_back(']');
    return placeholders.found;
}

std::string packet_prefix(PacketType type, std::string_view nsp, std::string_view ack_id, std::size_t attachments) {
    std::string prefix{'4', static_cast<char>(type)};
    if (attachments > 0) {
        prefix += std::to_string(attachments);
        prefix.push_back('-');
    }
    if (nsp != "/") {
        prefix += nsp;
        prefix.push_back(',');
    }
    prefix += ack_id;
    return prefix;
}

}  // namespace carillon::socketio
