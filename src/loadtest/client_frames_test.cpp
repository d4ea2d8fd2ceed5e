#include "loadtest/client_frames.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace carillon::loadtest {
namespace {

using socketio::CloseCode;
using socketio::Opcode;
using State = ServerFrame::State;

std::string server_frame(Opcode opcode, std::string_view payload) {
    std::string bytes;
    socketio::append_frame_head(bytes, opcode, payload.size());
    return bytes.append(payload);
}

/// The server's own decoder, as the judge of what we send.
struct Received : socketio::WebSocketEvents {
    bool on_message(bool, std::string_view data) override {
        messages.emplace_back(data);
        return true;
    }
    bool on_ping(std::string_view) override { return true; }
    void on_close(CloseCode code) override { closed = code; }
    std::vector<std::string> messages;
    std::optional<CloseCode> closed;
};

TEST(ClientFrames, AServerUnderstandsWhatIsSent) {
    for (const std::size_t size : {0U, 1U, 125U, 126U, 65'535U, 65'536U}) {
        const std::string payload(size, 'x');
        std::string bytes;
        append_client_frame(bytes, Opcode::text, payload, 0xA1B2C3D4);
        append_client_frame(bytes, Opcode::text, "second", 7);
        append_client_frame(bytes, Opcode::close, {}, 9);
        Received received;
        socketio::WebSocketDecoder decoder{1'000'000};
        ASSERT_EQ(decoder.decode({bytes.data(), bytes.size()}, received), CloseCode::none) << size;
        ASSERT_EQ(received.messages.size(), 2U);
        EXPECT_EQ(received.messages[0], payload);
        EXPECT_EQ(received.messages[1], "second");
        EXPECT_EQ(received.closed, CloseCode::none);
    }
}

TEST(ClientFrames, ReadsAServersFrames) {
    for (const std::size_t size : {0U, 1U, 125U, 126U, 65'535U, 65'536U}) {
        const std::string payload(size, 'y');
        const std::string bytes = server_frame(Opcode::text, payload) + server_frame(Opcode::ping, "p");
        const auto first = read_server_frame(bytes);
        ASSERT_EQ(first.state, State::whole) << size;
        EXPECT_EQ(first.opcode, Opcode::text);
        EXPECT_TRUE(first.final);
        EXPECT_EQ(first.payload, payload);
        const auto second = read_server_frame(std::string_view{bytes}.substr(first.size));
        EXPECT_EQ(second.opcode, Opcode::ping);
        EXPECT_EQ(second.payload, "p");
        EXPECT_EQ(first.size + second.size, bytes.size());
    }
}

TEST(ClientFrames, WaitsForAFrameThatIsNotWhole) {
    for (const std::size_t size : {5U, 300U, 70'000U}) {
        const std::string bytes = server_frame(Opcode::text, std::string(size, 'z'));
        for (std::size_t cut = 0; cut<bytes.size(); cut += bytes.size()> 1'000 ? 997 : 1) {
            EXPECT_EQ(read_server_frame(std::string_view{bytes}.substr(0, cut)).state, State::incomplete) << cut;
        }
    }
}

TEST(ClientFrames, RefusesWhatNoServerMaySend) {
    using namespace std::string_literals;
    const std::vector<std::string> broken{
        "\xC1\x00"s,                                          // a reserved bit
        "\x81\x81\x00\x00\x00\x00x"s,                         // masked
        "\x83\x00"s,                                          // an unknown opcode
        "\x81\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s + "xyz",  // an absurd length
    };
    for (const auto& bytes : broken) EXPECT_EQ(read_server_frame(bytes).state, State::broken);
}

}  // namespace
}  // namespace carillon::loadtest
