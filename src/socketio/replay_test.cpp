// Plays what was recorded from the reference server (testdata/README.md) against ours.
#include <deque>
#include <filesystem>
#include <fstream>
#include <optional>

#include "socketio/server_fixture.hpp"

namespace carillon::socketio {
namespace {

struct Line {
    std::size_t number;
    std::string verb;
    std::string rest;
};

struct Case {
    std::string name;
    std::vector<Line> lines;
};

std::vector<Case> read_cases(const std::filesystem::path& file) {
    std::ifstream in{file};
    std::vector<Case> cases;
    std::size_t number = 0;
    for (std::string text; std::getline(in, text);) {
        ++number;
        if (text.empty() || text.starts_with('#') || text.starts_with("reference:")) continue;
        const auto space = std::min(text.find(' '), text.size());
        Line line{number, text.substr(0, space), text.substr(std::min(space + 1, text.size()))};
        if (line.verb == "case") {
            cases.push_back({line.rest, {}});
        } else {
            cases.back().lines.push_back(std::move(line));
        }
    }
    return cases;
}

std::string from_hex(const std::string& hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    }
    return bytes;
}

/// Of an expectation with `*` for ids of 20 to 37 characters.
bool matches(std::string_view wanted, std::string_view got) {
    while (!wanted.empty()) {
        if (wanted.front() == '*') {
            const std::size_t id = std::min(got.find('"'), got.size());
            if (id < 20 || id > 37) return false;
            got.remove_prefix(id);
        } else {
            if (got.empty() || got.front() != wanted.front()) return false;
            got.remove_prefix(1);
        }
        wanted.remove_prefix(1);
    }
    return got.empty();
}

class Replay : public ServerFixture {
 protected:
    ServerConfig make_config() const override {
        ServerConfig config;
        config.max_payload = 2'000;
        return config;
    }

    void SetUp() override {
        ServerFixture::SetUp();
        on_socket = [](Socket& socket) {
            if (socket.nsp() == "/") socket.emit(EncodedEvent::make("hello", {"1"}));
            if (socket.nsp() == "/ws") socket.emit(EncodedEvent::make("hello-ws", {}));
        };
        on_event = [](Socket& socket, const ReceivedEvent& event, Ack ack) {
            if (event.name == "kick") return socket.disconnect(true);
            if (ack) ack({event.arguments_json.begin(), event.arguments_json.end()}, event.attachments);
        };
        server->of("/slow").use([](const SocketPtr&, const Next&) {});
        server->of("/strict").use([](const SocketPtr&, const Next& next) {
            next(ConnectError{"Not authorized", R"({"code":"E1"})"});
        });
    }

    void play(const Case& given) {
        link_.emplace();
        holds_.clear();
        received_.clear();
        for (const Line& line : given.lines) {
            SCOPED_TRACE(given.name + ", line " + std::to_string(line.number) + ": " + line.verb + " " + line.rest);
            step(line);
            flush();
            if (HasFailure()) return;
        }
        SCOPED_TRACE(given.name);
        receive();
        EXPECT_TRUE(received_.empty()) << "unexpected: " << received_.front();
        if (EngineSession* const session = server->find(sid_)) session->close("tests");
        flush();
        advance(ms{31'000});
    }

 private:
    void step(const Line& line) {
        if (line.verb == "websocket" || line.verb == "join") return open_websocket_session(line.verb == "join");
        if (line.verb == "polling") {
            EngineSession& session = open_polling();
            sid_ = session.sid();
            open_packet_ = session.open_packet();
            return;
        }
        EngineSession* const session = server->find(sid_);
        if (line.verb == "open" || line.verb == "closed") {
            const bool open = session != nullptr && session->open() && !link_->closed;
            EXPECT_EQ(open, line.verb == "open");
            return;
        }
        if (line.verb == "held") return expect(line.rest, holds_.back()->answers == 1 ? holds_.back()->body : "(held)");
        if (line.verb == "<" || line.verb == "<<") return expect_message(line);
        ASSERT_NE(session, nullptr) << "the session has gone";
        act(line, *session);
    }

    void act(const Line& line, EngineSession& session) {
        if (line.verb == ">") {
            session.link_text(now(), *link_, line.rest);
        } else if (line.verb == ">>") {
            session.link_binary(now(), *link_, from_hex(line.rest));
        } else if (line.verb == "post" || line.verb == "post-400") {
            std::string body = line.rest;
            std::replace(body.begin(), body.end(), '^', '\x1e');
            EXPECT_EQ(session.post(now(), body, false).status, line.verb == "post" ? 200 : 400);
        } else if (line.verb == "get" || line.verb == "get-400" || line.verb == "hold") {
            get(line, session);
        } else if (line.verb == "attach") {
            session.begin_upgrade(now(), *link_);
        } else if (line.verb == "hang-up") {
            session.link_lost(*link_, false);
        } else if (line.verb == "wait") {
            advance(ms{std::stoi(line.rest)});
        } else {
            ADD_FAILURE() << "no such verb";
        }
    }

    void get(const Line& line, EngineSession& session) {
        if (!open_packet_.empty()) return expect(line.rest, std::exchange(open_packet_, {}));
        FakeHold& hold = *holds_.emplace_back(std::make_unique<FakeHold>());
        session.poll(now(), hold);
        if (line.verb == "hold") return;
        flush();
        EXPECT_EQ(hold.status, line.verb == "get" ? 200 : 400);
        if (line.verb == "get") return expect(line.rest, hold.body);
        holds_.pop_back();
    }

    void open_websocket_session(bool join) {
        EngineSession& session = server->open_websocket(now(), Handshake{}, *link_);
        sid_ = session.sid();
        flush();
        if (!join) return;
        session.link_text(now(), *link_, "40");
        flush();
        EXPECT_EQ(link_->take().size(), 3U);
    }

    /// The fixture's link marks bytes as `<bytes>`.
    void receive() {
        for (std::string& message : link_->take()) received_.push_back(std::move(message));
    }

    void expect_message(const Line& line) {
        receive();
        ASSERT_FALSE(received_.empty()) << "nothing was received";
        const std::string got = received_.front();
        received_.pop_front();
        if (line.verb == "<") return expect(line.rest, got);
        EXPECT_EQ(got, "<" + from_hex(line.rest) + ">");
    }

    static void expect(std::string wanted, const std::string& got) {
        std::replace(wanted.begin(), wanted.end(), '^', '\x1e');
        EXPECT_TRUE(matches(wanted, got)) << "got " << got;
    }

    std::optional<FakeLink> link_;
    std::vector<std::unique_ptr<FakeHold>> holds_;
    std::deque<std::string> received_;
    std::string sid_;
    std::string open_packet_;
};

TEST_F(Replay, GivesWhatTheReferenceGave) {
    std::size_t played = 0;
    for (const auto& entry : std::filesystem::directory_iterator{CARILLON_SOURCE_DIR "/src/socketio/testdata"}) {
        if (entry.path().extension() != ".replay") continue;
        for (const Case& given : read_cases(entry.path())) {
            play(given);
            ++played;
        }
    }
    EXPECT_GE(played, 40U);
    EXPECT_EQ(server->sessions(), 0U);
}

}  // namespace
}  // namespace carillon::socketio
