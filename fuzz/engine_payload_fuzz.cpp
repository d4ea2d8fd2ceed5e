// The body of a polling POST: packets behind one another, base64 among them.
#include "require.hpp"
#include "socketio/base64.hpp"
#include "socketio/engine_packet.hpp"
#include "socketio/utf8.hpp"

using namespace carillon;
using fuzz::require;

namespace {

void check_packet(std::string_view text) {
    const auto packet = socketio::decode_engine_packet(text);
    if (!packet) return;
    require(!text.empty(), "an empty packet is refused");
    if (!packet->binary) {
        require(text.substr(1) == packet->data, "a text packet is its type and its data");
        return;
    }
    std::string again;
    socketio::append_base64(again, packet->bytes);
    // Padding may be missing in what came in.
    std::string_view stripped{again};
    while (stripped.ends_with('=')) stripped.remove_suffix(1);
    while (text.ends_with('=')) text.remove_suffix(1);
    require(text.substr(1) == stripped, "base64 has one reading and one writing");
}

/// Counted the slow way, by the table of RFC 3629 section 4.
bool is_utf8_by_the_table(std::string_view text) {
    struct Row {
        int first_low, first_high, second_low, second_high, more;
    };
    static constexpr Row kTable[] = {
        {0x00, 0x7F, 0, 0, 0},       {0xC2, 0xDF, 0x80, 0xBF, 1}, {0xE0, 0xE0, 0xA0, 0xBF, 2},
        {0xE1, 0xEC, 0x80, 0xBF, 2}, {0xED, 0xED, 0x80, 0x9F, 2}, {0xEE, 0xEF, 0x80, 0xBF, 2},
        {0xF0, 0xF0, 0x90, 0xBF, 3}, {0xF1, 0xF3, 0x80, 0xBF, 3}, {0xF4, 0xF4, 0x80, 0x8F, 3}};
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : -1; };
    for (std::size_t at = 0; at < text.size();) {
        const Row* found = nullptr;
        for (const Row& row : kTable) {
            if (byte(at) >= row.first_low && byte(at) <= row.first_high) found = &row;
        }
        if (found == nullptr) return false;
        for (int i = 1; i <= found->more; ++i) {
            const int low = i == 1 ? found->second_low : 0x80;
            const int high = i == 1 ? found->second_high : 0xBF;
            const int next = byte(at + static_cast<std::size_t>(i));
            if (next < low || next > high) return false;
        }
        at += static_cast<std::size_t>(found->more) + 1;
    }
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view body = fuzz::as_text(data, size);
    require(socketio::is_valid_utf8(body) == is_utf8_by_the_table(body), "UTF-8 is what RFC 3629 says");
    std::string together;
    std::string_view rest = body;
    for (bool more = true; more;) {
        const std::string_view text = socketio::take_payload_packet(rest, more);
        together += text;
        if (more) together += socketio::kPayloadSeparator;
        check_packet(text);
    }
    require(together == body, "the packets of a payload are all of it");
    return 0;
}
