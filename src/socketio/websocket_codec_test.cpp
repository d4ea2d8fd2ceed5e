#include "socketio/websocket_codec.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace carillon::socketio {
namespace {

/// A client's frame, masked.
std::string frame(std::uint8_t first, std::string_view payload, int length_bytes = 0) {
    std::string out;
    out.push_back(static_cast<char>(first));
    if (length_bytes == 0) length_bytes = payload.size() < 126 ? 1 : payload.size() <= 0xFFFF ? 2 : 8;
    if (length_bytes == 1) {
        out.push_back(static_cast<char>(0x80 | payload.size()));
    } else {
        out.push_back(static_cast<char>(length_bytes == 2 ? 0xFE : 0xFF));
        for (int i = length_bytes; i-- > 0;) out.push_back(static_cast<char>(std::uint64_t{payload.size()} >> (8 * i)));
    }
    const std::string mask = "\x37\xfa\x21\x3d";
    out += mask;
    for (std::size_t i = 0; i < payload.size(); ++i) out.push_back(static_cast<char>(payload[i] ^ mask[i % 4]));
    return out;
}

struct Events final : WebSocketEvents {
    bool on_message(bool binary, std::string_view data) override {
        seen.push_back((binary ? "b:" : "t:") + std::string{data});
        return true;
    }
    bool on_ping(std::string_view data) override {
        seen.push_back("ping:" + std::string{data});
        return true;
    }
    void on_close(CloseCode code) override { seen.push_back("close:" + std::to_string(static_cast<int>(code))); }

    std::vector<std::string> seen;
};

struct Decoded {
    std::vector<std::string> seen;
    CloseCode failed = CloseCode::none;
};

Decoded decode(std::string bytes, std::size_t step, std::size_t message_bytes_max = 1'000'000) {
    WebSocketDecoder decoder{message_bytes_max};
    Events events;
    Decoded result;
    for (std::size_t at = 0; at < bytes.size() && result.failed == CloseCode::none; at += step) {
        const std::size_t size = std::min(step, bytes.size() - at);
        result.failed = decoder.decode({bytes.data() + at, size}, events);
    }
    result.seen = events.seen;
    return result;
}

TEST(WebSocketDecoder, GivesTheSameHoweverTheBytesArrive) {
    const std::string long_text(70'000, 'x');
    const std::string bytes = frame(0x81, "hello") + frame(0x82, std::string("\x00\xff", 2)) + frame(0x81, "") +
                              frame(0x01, "fr") + frame(0x89, "p1") + frame(0x00, "") + frame(0x80, "ag") +
                              frame(0x8A, "unasked") + frame(0x82, std::string(200, 'y')) + frame(0x81, long_text) +
                              frame(0x88,
                                    "\x03\xe8"
                                    "bye") +
                              frame(0x81, "after the close");
    const std::vector<std::string> expected{"t:hello",
                                            "b:" + std::string("\x00\xff", 2),
                                            "t:",
                                            "ping:p1",
                                            "t:frag",
                                            "b:" + std::string(200, 'y'),
                                            "t:" + long_text,
                                            "close:1000"};
    for (const std::size_t step : {1UL, 2UL, 3UL, 7UL, 64UL, 1'000UL, 1'000'000UL}) {
        const auto result = decode(bytes, step);
        EXPECT_EQ(result.seen, expected) << step;
        EXPECT_EQ(result.failed, CloseCode::none);
    }
}

struct Bad {
    std::string bytes;
    CloseCode code;
};

TEST(WebSocketDecoder, FailsTheConnectionWithTheRightCode) {
    const std::string euro_cut = "\xE2\x82";
    const Bad table[] = {
        {std::string("\x81\x05hello", 7), CloseCode::protocol_error},  // not masked
        {frame(0xC1, "x"), CloseCode::protocol_error},                 // RSV1
        {frame(0xA1, "x"), CloseCode::protocol_error},
        {frame(0x91, "x"), CloseCode::protocol_error},
        {frame(0x83, "x"), CloseCode::protocol_error},  // reserved opcodes
        {frame(0x8B, "x"), CloseCode::protocol_error},
        {frame(0x09, "x"), CloseCode::protocol_error},                    // fragmented ping
        {frame(0x89, std::string(126, 'x')), CloseCode::protocol_error},  // long ping
        {frame(0x80, "x"), CloseCode::protocol_error},                    // continuation of nothing
        {frame(0x01, "x") + frame(0x81, "y"), CloseCode::protocol_error},
        {frame(0x81, "x", 2), CloseCode::protocol_error},  // length not in its shortest form
        {frame(0x81, std::string(200, 'x'), 8), CloseCode::protocol_error},
        {std::string("\x81\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 10), CloseCode::protocol_error},
        {frame(0x88, "x"), CloseCode::protocol_error},         // half a code
        {frame(0x88, "\x03\xed"), CloseCode::protocol_error},  // 1005
        {frame(0x88, "\x03\xe7"), CloseCode::protocol_error},  // 999
        {frame(0x88, "\x0b\xb7"), CloseCode::protocol_error},  // 2999
        {frame(0x88, "\x13\x88"), CloseCode::protocol_error},  // 5000
        {frame(0x88, "\x03\xe8" + euro_cut), CloseCode::invalid_text},
        {frame(0x81, euro_cut), CloseCode::invalid_text},
        {frame(0x01, euro_cut) + frame(0x80, "x"), CloseCode::invalid_text},
        {frame(0x82, std::string(1'001, 'x')), CloseCode::too_big},
        {frame(0x02, std::string(600, 'x')) + frame(0x80, std::string(401, 'x')), CloseCode::too_big},
        {std::string("\x82\xFF\x00\x00\x00\x00\x7f\xff\xff\xff", 10), CloseCode::too_big},
    };
    for (const auto& [bytes, code] : table) {
        for (const std::size_t step : {1UL, 100'000UL}) {
            const auto result = decode(bytes, step, 1'000);
            EXPECT_EQ(result.failed, code) << ::testing::PrintToString(bytes.substr(0, 20)) << " by " << step;
            EXPECT_TRUE(result.seen.empty());
        }
    }
}

TEST(WebSocketDecoder, TakesACharacterSplitAcrossFragments) {
    const auto result = decode(frame(0x01, "\xE2\x82") + frame(0x80, "\xAC"), 1);
    EXPECT_EQ(result.seen, std::vector<std::string>{"t:\xE2\x82\xAC"});
}

TEST(WebSocketDecoder, RefusesEndlessFragments) {
    std::string bytes = frame(0x01, "");
    for (std::uint32_t i = 0; i < WebSocketDecoder::kFragmentsMax; ++i) bytes += frame(0x00, "");
    EXPECT_EQ(decode(bytes, 100'000).failed, CloseCode::policy);
}

TEST(WebSocketCodec, WritesFramesInTheirShortestForm) {
    for (const auto& [size, head] : std::vector<std::pair<std::size_t, std::string>>{
             {0, std::string("\x81\x00", 2)},
             {125, std::string("\x81\x7d", 2)},
             {126, std::string("\x81\x7e\x00\x7e", 4)},
             {65'535, std::string("\x81\x7e\xff\xff", 4)},
             {65'536, std::string("\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10)}}) {
        std::string out;
        append_frame_head(out, Opcode::text, size);
        EXPECT_EQ(out, head) << size;
    }
    std::string close;
    append_close_frame(close, CloseCode::none);
    append_close_frame(close, CloseCode::too_big);
    EXPECT_EQ(close, std::string("\x88\x00\x88\x02\x03\xf1", 6));
}

TEST(WebSocketCodec, AnswersTheKeyOfTheRfc) {
    EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ"), "");
    EXPECT_EQ(websocket_accept("short"), "");
    EXPECT_EQ(websocket_accept(""), "");
}

}  // namespace
}  // namespace carillon::socketio
