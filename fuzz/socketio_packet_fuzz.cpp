// A Socket.IO packet: the decoder against itself, and its JSON against Boost.JSON's reading.
#include <algorithm>
#include <boost/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "require.hpp"
#include "socketio/errc.hpp"
#include "socketio/json_scanner.hpp"
#include "socketio/packet.hpp"
#include "socketio/utf8.hpp"

using namespace carillon;
using fuzz::require;
namespace json = boost::json;

namespace {

/// `\ud800` and the like, alone or in pairs.
bool has_surrogates(std::string_view text) {
    for (std::size_t at = 0; (at = text.find("\\u", at)) != std::string_view::npos; ++at) {
        if (text.size() - at < 4) return false;
        const bool d = text[at + 2] == 'd' || text[at + 2] == 'D';
        if (d && std::string_view{"89abcdefABCDEF"}.find(text[at + 3]) != std::string_view::npos) return true;
    }
    return false;
}

void check_json(std::string_view text) {
    const auto mine = socketio::JsonScanner{text}.value();
    json::parse_options options;
    options.max_depth = socketio::kJsonDepthMax;
    json::error_code theirs;
    json::parse({text.data(), text.size()}, theirs, {}, options);
    if (mine) {
        // Boost.JSON refuses lone surrogates and exponents past an int, which JSON.parse takes.
        const bool stricter = has_surrogates(text) || theirs == json::error::exponent_overflow;
        require(!theirs || stricter, "what the scanner takes is JSON");
        require(socketio::is_valid_utf8(*mine), "JSON is valid UTF-8");
    } else {
        require(theirs.failed(), "JSON is not refused");
    }
}

void check_string(std::string_view quoted) {
    const std::string said = socketio::unescape_json_string(quoted);
    require(socketio::is_valid_utf8(said), "a resolved string is valid UTF-8");
    std::string written;
    socketio::append_json_string(written, said);
    require(socketio::unescape_json_string(written) == said, "what is written reads back");
    for (const char c : written) require(static_cast<unsigned char>(c) >= 0x20, "no control character is written");
}

void check_arguments(std::span<const std::string_view> arguments) {
    for (const std::string_view argument : arguments) {
        require(static_cast<bool>(socketio::JsonScanner{argument}.value()), "each argument is a JSON value");
        if (argument.front() == '"') check_string(argument);
    }
}

void check_event(const socketio::Packet& packet, const socketio::ReceivedEvent& event) {
    require(socketio::is_valid_utf8(event.name), "an event name is valid UTF-8");
    require(!socketio::is_reserved_event(event.name), "no reserved name comes through");
    check_arguments(event.arguments_json);
    // What came in can be sent on, and says the same.
    const std::vector<std::string> attachments(packet.attachments);
    const auto encoded = socketio::EncodedEvent::make(event.name, event.arguments_json, attachments);
    require(encoded.event() == event.name, "an event knows its name");
    const std::string text = encoded.payload(packet.nsp);
    const auto again = socketio::decode_packet(std::string_view{text}.substr(1));
    require(static_cast<bool>(again), "what was decoded can be encoded");
    socketio::ArrayDecoder decoder;
    const auto event_again = decoder.event(*again);
    require(event_again && event_again->name == event.name &&
                std::ranges::equal(event_again->arguments_json, event.arguments_json),
            "and decodes to the same event");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::as_text(data, size);
    check_json(text);
    const auto packet = socketio::decode_packet(text);
    if (!packet) return 0;
    require(packet->attachments <= socketio::kAttachmentsMax, "attachments are bounded");
    require(packet->nsp.starts_with('/') && packet->nsp.size() <= socketio::kNamespaceNameMax,
            "a namespace has a name");
    require(packet->ack_id.size() <= 16, "an ack id is at most 2^53 - 1");
    socketio::ArrayDecoder decoder;
    if (const auto event = decoder.event(*packet)) check_event(*packet, *event);
    if (const auto ack = decoder.ack(*packet)) check_arguments(*ack);
    return 0;
}
