// Whatever bytes come in, nothing crashes and the invariants hold. Fixed seeds: a failure can be repeated.
#include <random>

#include "socketio/engine_packet.hpp"
#include "socketio/json_scanner.hpp"
#include "socketio/packet.hpp"
#include "socketio/server_fixture.hpp"
#include "socketio/utf8.hpp"
#include "socketio/websocket_codec.hpp"

namespace carillon::socketio {
namespace {

constexpr int kRounds = 5'000;

class RandomInput : public ServerFixture {
 protected:
    std::string bytes(std::size_t size_max, std::string_view alphabet = {}) {
        std::string out(std::uniform_int_distribution<std::size_t>{0, size_max}(random), '\0');
        for (char& c : out) {
            c = alphabet.empty() ? static_cast<char>(std::uniform_int_distribution<int>{0, 255}(random))
                                 : alphabet[std::uniform_int_distribution<std::size_t>{0, alphabet.size() - 1}(random)];
        }
        return out;
    }
    /// A good packet with some bytes changed, taken away or doubled.
    std::string mutated(std::string text) {
        for (int i = std::uniform_int_distribution<int>{0, 4}(random); i > 0 && !text.empty(); --i) {
            const auto at = std::uniform_int_distribution<std::size_t>{0, text.size() - 1}(random);
            switch (std::uniform_int_distribution<int>{0, 2}(random)) {
                case 0:
                    text[at] = static_cast<char>(std::uniform_int_distribution<int>{0, 255}(random));
                    break;
                case 1:
                    text.erase(at, 1);
                    break;
                default:
                    text.insert(at, text.substr(at, 3));
                    break;
            }
        }
        return text;
    }
    std::string some_packet() {
        static const std::string kGood[] = {"40",          "40/ws,{\"token\":\"a\"}",
                                            "41",          "42[\"a\",{\"b\":[1,2.5e3,null,\"\\u00e9\"]}]",
                                            "4217[\"x\"]", "42/ws,3[\"y\",true]",
                                            "430[1]",      "451-[\"bin\",{\"_placeholder\":true,\"num\":0}]",
                                            "bAQID",       "2",
                                            "3",           "5",
                                            "6",           "1",
                                            "2probe"};
        return mutated(kGood[std::uniform_int_distribution<std::size_t>{0, std::size(kGood) - 1}(random)]);
    }

    std::mt19937 random{20'261'123};
};

TEST_F(RandomInput, NeverConfusesThePacketDecoder) {
    ArrayDecoder decoder;
    for (int i = 0; i < kRounds; ++i) {
        const std::string text =
            i % 2 == 0 ? bytes(60, "0123456789[]{}\"\\,:/-_ truefalsnplchod.e+\x1e\xc3\xa9") : bytes(40);
        const auto packet = decode_packet(text);
        if (!packet) continue;
        const auto event = decoder.event(*packet);
        if (!event) continue;
        EXPECT_TRUE(is_valid_utf8(event->name));
        for (const auto& argument : event->arguments_json) EXPECT_TRUE(JsonScanner{argument}.value());
    }
}

TEST_F(RandomInput, WhatTheDecoderAcceptsCanBeSentAgain) {
    ArrayDecoder decoder;
    int accepted = 0;
    for (int i = 0; i < kRounds; ++i) {
        const std::string text = mutated("2[\"a\",{\"b\":[1,2.5e3,null,\"\\u00e9\"]},\"\xC3\xA9\"]");
        const auto packet = decode_packet(text);
        if (!packet) continue;
        const auto event = decoder.event(*packet);
        if (!event) continue;
        ++accepted;
        const std::vector<std::string_view> arguments{event->arguments_json.begin(), event->arguments_json.end()};
        const auto again = decode_packet(EncodedEvent::make(event->name, arguments).payload("/").substr(1));
        // (a name that arrives as a number leaves as a string)
        if (packet->type == PacketType::event) {
            EXPECT_TRUE(again);
        }
    }
    EXPECT_GT(accepted, 500);
}

TEST_F(RandomInput, NeverBreaksTheWebSocketDecoder) {
    struct Events final : WebSocketEvents {
        bool on_message(bool binary, std::string_view data) override {
            EXPECT_TRUE(binary || is_valid_utf8(data));
            EXPECT_LE(data.size(), 1'000U);
            return true;
        }
        bool on_ping(std::string_view data) override {
            EXPECT_LE(data.size(), 125U);
            return true;
        }
        void on_close(CloseCode) override {}
    } found;
    for (int i = 0; i < kRounds; ++i) {
        WebSocketDecoder decoder{1'000};
        for (int chunk = 0; chunk < 5; ++chunk) {
            std::string data = bytes(60);
            if (data.size() > 2) {
                data[0] = static_cast<char>(data[0] & 0x8F);
                data[1] = static_cast<char>(data[1] | 0x80);
            }
            if (decoder.decode({data.data(), data.size()}, found) != CloseCode::none) break;
        }
    }
}

TEST_F(RandomInput, NeverBreaksASession) {
    for (int i = 0; i < kRounds; ++i) {
        on_event = [i](Socket& socket, const ReceivedEvent& event, Ack ack) {
            std::vector<std::string_view> arguments{event.arguments_json.begin(), event.arguments_json.end()};
            socket.emit(EncodedEvent::make(event.name, arguments, event.attachments));
            if (ack) ack(arguments, event.attachments);
            if (i % 7 == 0) socket.disconnect(i % 2 == 0);
        };
        FakeLink link;
        FakeHold hold;
        const bool on_websocket = i % 2 == 0;
        EngineSession& session = on_websocket ? open_websocket(link) : open_polling();
        const std::string sid{session.sid()};
        for (int step = 0; step < 12 && server->find(sid) != nullptr; ++step) {
            const std::string packet = some_packet();
            switch (std::uniform_int_distribution<int>{0, 9}(random)) {
                case 0:
                    if (session.transport() == Transport::polling && hold.answers == 0) session.poll(now(), hold);
                    break;
                case 1:
                    if (session.upgradable()) session.begin_upgrade(now(), link);
                    break;
                case 2:
                    advance(ms{std::uniform_int_distribution<int>{0, 30'000}(random)});
                    break;
                case 3:
                    session.link_binary(now(), link, packet);
                    break;
                default:
                    if (session.transport() == Transport::polling && step % 3 != 0) {
                        session.post(now(), packet + (step % 2 == 0 ? "\x1e" + some_packet() : ""), false);
                    } else if (is_valid_utf8(packet)) {
                        session.link_text(now(), link, packet);
                    }
            }
            if (step % 2 == 0) flush();
        }
        if (server->find(sid) != nullptr) session.link_lost(link, true);
        flush();
        if (server->find(sid) != nullptr) session.poll_lost(hold);
        flush();
        if (server->find(sid) != nullptr) session.close("tests");
        advance(ms{31'000});
        EXPECT_EQ(server->find(sid), nullptr);
        sockets.clear();
        acks.clear();
    }
    EXPECT_EQ(server->sessions(), 0U);
    EXPECT_EQ(server->queued_bytes(), 0U);
    EXPECT_EQ(server->of("/").size() + server->of("/ws").size(), 0U);
    EXPECT_EQ(observer.active["polling"], 0);
    EXPECT_EQ(observer.active["websocket"], 0);
    EXPECT_FALSE(server->next_deadline()) << "no deadline outlives its session";
    EXPECT_EQ(observer.ended.size(), static_cast<std::size_t>(kRounds));
}

TEST_F(RandomInput, Base64ReadsBackWhatItWrote) {
    for (int i = 0; i < 1'000; ++i) {
        const std::string data = bytes(50);
        const EncodedEvent event = EncodedEvent::make("b", {"{\"_placeholder\":true,\"num\":0}"}, {data});
        auto& session = open_polling();
        session.post(now(), "40", false);
        polled(session);
        sockets.back()->emit(event);
        const std::string payload = polled(session);
        const auto packet = decode_engine_packet(payload.substr(payload.find('\x1e') + 1));
        ASSERT_TRUE(packet && packet->binary);
        EXPECT_EQ(packet->bytes, data);
        session.close("tests");
        sockets.clear();
    }
}

}  // namespace
}  // namespace carillon::socketio
