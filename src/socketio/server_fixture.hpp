#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/testing/fake_clock.hpp"
#include "socketio/engine_server.hpp"

namespace carillon::socketio {

/// For tests: a GET that notes its answer.
struct FakeHold final : PollHold {
    void answer(int given_status, std::string given_body) override {
        ++answers;
        status = given_status;
        body = std::move(given_body);
    }

    int answers = 0;
    int status = 0;
    std::string body;
};

/// For tests: a WebSocket that notes what it is sent; binary as `<bytes>`.
struct FakeLink final : WebSocketLink {
    std::size_t send(std::span<const OutPacket> packets) override {
        EXPECT_FALSE(closed) << "sent after close";
        EXPECT_EQ(behind, 0U) << "sent while busy";
        ++writes;
        std::size_t bytes = 0;
        for (const auto& packet : packets) {
            bytes += packet.size();
            packet.for_each([&](std::string_view part) {
                const std::string text = (packet.prefix ? *packet.prefix : "") + std::string{part};
                sent.push_back(packet.binary ? "<" + text + ">" : text);
            });
        }
        if (busy) behind = bytes;
        return behind;
    }
    void close() override { closed = true; }

    /// What was sent since the last call.
    std::vector<std::string> take() { return std::exchange(sent, {}); }

    std::vector<std::string> sent;
    int writes = 0;
    std::size_t behind = 0;
    bool busy = false;  ///< takes what it is sent, but does not get rid of it
    bool closed = false;
};

struct CountingObserver final : Observer {
    void on_opened(std::string_view transport) override { ++active[std::string{transport}]; }
    void on_upgraded() override {
        --active["polling"];
        ++active["websocket"];
    }
    void on_closed(std::string_view transport, std::string_view reason) override {
        --active[std::string{transport}];
        ended.emplace_back(reason);
    }
    void on_message_received(std::size_t) override { ++received; }
    void on_messages_sent(std::size_t messages, std::size_t) override { sent += messages; }
    void on_messages_spared(std::size_t messages) override { spared += messages; }

    std::map<std::string, int> active;
    std::vector<std::string> ended;
    std::size_t received = 0;
    std::size_t sent = 0;
    std::size_t spared = 0;
};

/// A server with a fake clock, and what its sockets experienced.
class ServerFixture : public ::testing::Test {
 protected:
    using ms = std::chrono::milliseconds;

    virtual ServerConfig make_config() const { return {}; }

    void SetUp() override {
        server = std::make_unique<Server>(make_config(), &observer);
        for (const std::string nsp : {"/", "/ws"}) {
            server->of(nsp).on_connection([this](const SocketPtr& socket) {
                sockets.push_back(socket);
                Socket* const bare = socket.get();
                socket->on_any([this, bare](const ReceivedEvent& event, Ack ack) {
                    events.push_back(describe(event));
                    if (ack) acks.push_back(ack);
                    if (on_event) on_event(*bare, event, ack);
                });
                socket->on_disconnect([this](std::string_view reason) { disconnects.emplace_back(reason); });
                if (on_socket) on_socket(*bare);
            });
        }
    }

    static std::string describe(const ReceivedEvent& event) {
        std::string text{event.name};
        for (const auto argument : event.arguments_json) text += " " + std::string{argument};
        for (const auto& attachment : event.attachments) text += " <" + attachment + ">";
        return text;
    }

    base::SteadyTime now() const { return clock.steady_now(); }
    void flush() { server->flush(now()); }
    /// Moves the clock as a driver would: stops at each deadline.
    void advance(ms by) {
        const auto until = now() + by;
        flush();
        for (;;) {
            const auto next = server->next_deadline();
            if (!next || *next > until) break;
            clock.advance(std::max(ms{0}, std::chrono::ceil<ms>(*next - now())));
            server->on_time(now());
            flush();
        }
        clock.advance(std::chrono::ceil<ms>(until - now()));
    }

    EngineSession& open_polling() { return server->open_polling(now(), Handshake{}); }
    /// A WebSocket session; its open packet has been taken.
    EngineSession& open_websocket(FakeLink& link) {
        EngineSession& session = server->open_websocket(now(), Handshake{}, link);
        flush();
        EXPECT_EQ(link.take().size(), 1U);
        return session;
    }
    void text(EngineSession& session, FakeLink& link, std::string_view packet) {
        session.link_text(now(), link, packet);
        flush();
    }
    void binary(EngineSession& session, FakeLink& link, std::string_view data) {
        session.link_binary(now(), link, data);
        flush();
    }
    /// A WebSocket session that has joined "/".
    EngineSession& joined(FakeLink& link) {
        EngineSession& session = open_websocket(link);
        text(session, link, "40");
        EXPECT_EQ(link.take().size(), 1U);
        return session;
    }
    /// Polls once and returns the payload; a poll that is held is an error.
    std::string polled(EngineSession& session) {
        FakeHold hold;
        session.poll(now(), hold);
        flush();
        EXPECT_EQ(hold.answers, 1);
        if (hold.answers == 0) session.poll_lost(hold);
        return hold.body;
    }

    base::FakeClock clock;
    CountingObserver observer;
    std::function<void(Socket&)> on_socket;
    std::function<void(Socket&, const ReceivedEvent&, Ack)> on_event;
    std::vector<SocketPtr> sockets;
    std::vector<std::string> events;
    std::vector<Ack> acks;
    std::vector<std::string> disconnects;
    std::unique_ptr<Server> server;
};

}  // namespace carillon::socketio
