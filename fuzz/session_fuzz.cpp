// A whole session, Engine.IO and Socket.IO, as a client and time drive it. Each line is one step: its first character
// says what happens, the rest is its text.
#include <algorithm>
#include <charconv>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "require.hpp"
#include "socketio/engine_packet.hpp"
#include "socketio/engine_server.hpp"
#include "socketio/packet.hpp"
#include "socketio/utf8.hpp"

using namespace carillon;
using namespace std::chrono_literals;
using fuzz::require;

namespace {

/// What a client receives, in order: each binary header is followed by its attachments and nothing else.
class Stream {
 public:
    void take(bool binary, std::string_view packet) {
        if (binary) {
            require(attachments_ > 0, "an attachment has a header");
            --attachments_;
            return;
        }
        require(!packet.empty() && packet.front() >= '0' && packet.front() <= '6', "a packet has a type");
        require(socketio::is_valid_utf8(packet), "what is sent is valid UTF-8");
        // White space between the parts of an argument is sent on as it came.
        for (const char c : packet) {
            const bool white = c == '\t' || c == '\n' || c == '\r';
            require(white || static_cast<unsigned char>(c) >= 0x20, "no control character is sent");
        }
        if (packet.front() != '4') return;
        require(attachments_ == 0, "nothing comes between a header and its attachments");
        // A server's CONNECT has an object, as a client's may; CONNECT_ERROR only a server sends.
        if (packet.starts_with("44")) return;
        const auto sent = socketio::decode_packet(packet.substr(1));
        require(static_cast<bool>(sent), "what is sent is a packet");
        attachments_ = sent->attachments;
    }

 private:
    std::size_t attachments_ = 0;
};

struct Hold final : socketio::PollHold {
    explicit Hold(Stream& client) : stream{client} {}
    void answer(int status, std::string body) override {
        require(!answered, "a poll is answered once");
        answered = true;
        if (status != 200) return;
        std::string_view rest = body;
        std::size_t count = 0;
        for (bool more = true; more; ++count) {
            const auto text = socketio::take_payload_packet(rest, more);
            const auto packet = socketio::decode_engine_packet(text);
            require(packet.has_value(), "a polling answer is packets");
            stream.take(packet->binary, text);
        }
        require(count <= socketio::EngineSession::kPollPacketsMax, "an answer has at most sixteen packets");
    }

    Stream& stream;
    bool answered = false;
};

struct Link final : socketio::WebSocketLink {
    explicit Link(Stream& client) : stream{client} {}
    std::size_t send(std::span<const socketio::OutPacket> packets) override {
        require(!closed && !lost, "nothing is sent after the end");
        require(behind == 0, "nothing is sent to a busy connection");
        std::size_t bytes = 0;
        for (const auto& packet : packets) {
            bytes += packet.size();
            packet.for_each([&](std::string_view part) {
                const std::string text = (packet.prefix ? *packet.prefix : "") + std::string{part};
                if (text != "3probe") stream.take(packet.binary, text);
            });
        }
        if (busy) behind = bytes;
        return behind;
    }
    void close() override {
        require(!closed, "a connection is closed once");
        closed = true;
    }

    Stream& stream;
    std::size_t behind = 0;
    bool busy = false;
    bool closed = false;
    bool lost = false;
};

class Run {
 public:
    Run() {
        config_.connect_timeout = 45s;
        config_.queue_bytes_max = 20'000;
        config_.queue_packets_max = 40;
        config_.attachment_bytes_max = 200;
        server_.emplace(config_);
        for (const char* const name : {"/", "/ws"}) {
            server_->of(name).on_connection([this](const socketio::SocketPtr& socket) { greet(socket); });
        }
        server_->of("/slow").use(
            [this](const socketio::SocketPtr&, socketio::Next next) { verdicts_.push_back(next); });
    }

    void step(std::string_view line) {
        if (line.empty()) return;
        const char what = line.front();
        line.remove_prefix(1);
        if (sid_.empty()) open(what == 'w');
        auto* const session = server_->find(sid_);
        if (session != nullptr) act(what, line, *session);
        if (what != 'n') server_->flush(now_);
    }

    void finish() {
        for (auto& link : links_) {
            auto* const session = server_->find(sid_);
            if (session == nullptr) break;
            if (live(link)) {
                link.lost = true;
                session->link_lost(link, true);
            }
            server_->flush(now_);
        }
        if (auto* const session = server_->find(sid_)) session->close("over");
        sockets_.clear();
        verdicts_.clear();
        advance(46s);
        require(answered_ == asked_, "each question has one answer, if only that there is none");
        require(server_->find(sid_) == nullptr, "a closed session goes");
        require(server_->sessions() == 0 && server_->queued_bytes() == 0, "nothing is left of it");
        require(!server_->next_deadline(), "no deadline is left");
        require(server_->of("/").size() + server_->of("/ws").size() + server_->of("/slow").size() == 0,
                "no socket is left");
        for (const auto& hold : holds_) require(hold.answered, "every poll was answered");
    }

 private:
    void open(bool websocket) {
        auto& session = websocket ? server_->open_websocket(now_, {}, new_link()) : server_->open_polling(now_, {});
        sid_ = session.sid();
        server_->flush(now_);
    }

    Link& new_link() { return links_.emplace_back(stream_); }

    void greet(const socketio::SocketPtr& socket) {
        sockets_.push_back(socket);
        socket->join("all");
        auto* const self = socket.get();
        socket->on_any([self](const socketio::ReceivedEvent& event, socketio::Ack ack) {
            const std::vector<std::string_view> arguments{event.arguments_json.begin(), event.arguments_json.end()};
            if (event.name == "leave") return self->disconnect(false);
            if (event.name == "end") return self->close_transport("asked");
            self->emit(socketio::EncodedEvent::make(event.name, arguments, event.attachments));
            if (ack) ack(arguments, event.attachments);
        });
    }

    void act(char what, std::string_view text, socketio::EngineSession& session) {
        switch (what) {
            case 'p':
                if (session.transport() == socketio::Transport::polling) session.post(now_, text, false);
                break;
            case 'g':
                if (session.transport() == socketio::Transport::polling && holds_.size() < 100) {
                    session.poll(now_, holds_.emplace_back(stream_));
                }
                break;
            case 'u':
                if (session.upgradable() && links_.size() < 20) session.begin_upgrade(now_, new_link());
                break;
            case 't':
                if (!links_.empty() && live(links_.back()) && socketio::is_valid_utf8(text)) {
                    session.link_text(now_, links_.back(), text);
                }
                break;
            case 'b':
                if (!links_.empty() && live(links_.back())) session.link_binary(now_, links_.back(), text);
                break;
            case 'l':
                lose(session);
                break;
            case 'a':
                advance(milliseconds(text));
                break;
            case 'y':
                if (!links_.empty()) links_.back().busy = true;
                break;
            case 'r':
                drain(session);
                break;
            default:
                act_on_server(what, text);
        }
    }

    void act_on_server(char what, std::string_view text) {
        // A name that the server may emit: a reserved one is an exception, and a bug of the application.
        const std::string name = "n" + std::string{text};
        switch (what) {
            case 'e':
                server_->of("/").emit(socketio::EncodedEvent::make(name, {"1"}));
                break;
            case 'x':
                server_->of("/ws").to("all").emit(
                    socketio::EncodedEvent::make(name, {"{\"_placeholder\":true,\"num\":0}"}, {"\x01", "\x02"}));
                break;
            case 'q':
                if (sockets_.empty()) break;
                asked_ += sockets_.back()->emit_with_ack(
                    socketio::EncodedEvent::make("ask", {text.empty() ? "1" : "2"}), milliseconds(text),
                    [this](const socketio::ReceivedAck*) { ++answered_; });
                break;
            case 'k':
                if (!sockets_.empty()) sockets_.back()->disconnect(text == "1");
                break;
            case 'v':
                if (verdicts_.empty()) break;
                verdicts_.front()(text.empty() ? std::nullopt
                                               : std::optional{socketio::ConnectError{std::string{text}, "{}"}});
                verdicts_.pop_front();
                break;
            default:
                break;
        }
    }

    static bool live(const Link& link) { return !link.closed && !link.lost; }

    void lose(socketio::EngineSession& session) {
        if (!links_.empty() && live(links_.back())) {
            links_.back().lost = true;
            return session.link_lost(links_.back(), false);
        }
        if (holds_.empty() || holds_.back().answered) return;
        holds_.back().answered = true;  // its peer has gone
        session.poll_lost(holds_.back());
    }

    void drain(socketio::EngineSession& session) {
        if (links_.empty() || !live(links_.back())) return;
        links_.back().busy = false;
        if (std::exchange(links_.back().behind, 0) > 0) session.link_writable(links_.back());
    }

    static std::chrono::milliseconds milliseconds(std::string_view text) {
        int value = 0;
        std::from_chars(text.data(), text.data() + text.size(), value);
        return std::chrono::milliseconds{std::min(std::max(value, 0), 100'000)};
    }

    /// Stops at each deadline, as a driver does.
    void advance(base::SteadyTime::duration by) {
        const auto until = now_ + by;
        server_->flush(now_);
        for (int turns = 0;; ++turns) {
            require(turns < 10'000, "time goes on");
            const auto next = server_->next_deadline();
            if (!next || *next > until) break;
            now_ = std::max(now_, *next);
            server_->on_time(now_);
            server_->flush(now_);
        }
        now_ = until;
    }

    socketio::ServerConfig config_;
    base::SteadyTime now_{};
    Stream stream_;
    std::deque<Hold> holds_;
    std::deque<Link> links_;
    std::vector<socketio::SocketPtr> sockets_;
    std::deque<socketio::Next> verdicts_;
    std::string sid_;
    std::size_t asked_ = 0;
    std::size_t answered_ = 0;
    std::optional<socketio::Server> server_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view script = fuzz::as_text(data, size);
    Run run;
    for (int steps = 0; !script.empty() && steps < 200; ++steps) {
        const std::size_t end = std::min(script.find('\n'), script.size());
        run.step(script.substr(0, end));
        script.remove_prefix(std::min(end + 1, script.size()));
    }
    run.finish();
    return 0;
}
