#include "http/engine_websocket.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace carillon::http {
namespace {

namespace asio = boost::asio;
using socketio::CloseCode;
using socketio::Opcode;

/// Reads in one turn before others get theirs.
constexpr int kReadsPerTurn = 4;

}  // namespace

EngineWebSocket::EngineWebSocket(std::shared_ptr<EngineWebSocketHost> host, asio::ip::tcp::socket socket,
                                 std::size_t message_bytes_max, std::shared_ptr<AddressBudget> address)
    : host_{std::move(host)}, address_{std::move(address)}, socket_{std::move(socket)}, decoder_{message_bytes_max} {
    host_->add(*this);
}

EngineWebSocket::~EngineWebSocket() {
    host_->remove(*this);
}

void EngineWebSocket::start(socketio::EngineSession& session, std::string_view answer, std::string already_read) {
    session_ = &session;
    // A new session's open packet leaves in the same write.
    unsent_ = answer;
    if (session.transport() == socketio::Transport::websocket) session.flush(host_->now());
    on_writable();
    serve(std::move(already_read));
}

void EngineWebSocket::start_closing(std::string_view answer, std::string already_read) {
    write(answer);
    send_close(CloseCode::none, Phase::close_sent);
    serve(std::move(already_read));
}

void EngineWebSocket::serve(std::string already_read) {
    if (!already_read.empty()) decode({already_read.data(), already_read.size()});
    if (socket_.is_open()) wait_readable();
}

void EngineWebSocket::abort() {
    boost::system::error_code ignored;
    socket_.close(ignored);
    lose(true);
}

// --- Reading ---------------------------------------------------------------------------------------------------------

void EngineWebSocket::wait_readable() {
    socket_.async_wait(asio::ip::tcp::socket::wait_read, [self = shared_from_this()](boost::system::error_code ec) {
        if (ec) return self->lose(true);
        self->on_readable();
    });
}

void EngineWebSocket::on_readable() {
    for (int i = 0; i < kReadsPerTurn; ++i) {
        if (pause_reading()) return;
        if (!read_some()) break;
    }
    if (socket_.is_open() && !broken_) wait_readable();
}

bool EngineWebSocket::pause_reading() {
    if (!address_) return false;
    const auto pause = address_->pause(host_->now());
    if (pause == std::chrono::milliseconds::zero()) return false;
    host_->resume_after(pause, shared_from_this());
    return true;
}

void EngineWebSocket::resume_reading() {
    if (socket_.is_open() && !broken_) on_readable();
}

bool EngineWebSocket::read_some() {
    const std::span<char> buffer = host_->read_buffer();
    boost::system::error_code ec;
    const std::size_t size = socket_.read_some(asio::buffer(buffer.data(), buffer.size()), ec);
    if (ec == asio::error::would_block || ec == asio::error::try_again) return false;
    if (ec || size == 0) {
        boost::system::error_code ignored;
        flush_session();
        socket_.close(ignored);
        lose(ec && ec != asio::error::eof);
        return false;
    }
    decode(buffer.first(size));
    return size == buffer.size() && socket_.is_open();
}

void EngineWebSocket::decode(std::span<char> bytes) {
    if (address_) address_->spend(bytes.size(), host_->now());
    if (phase_ == Phase::ended) return;
    const CloseCode failed = decoder_.decode(bytes, *this);
    send_pongs();
    if (failed == CloseCode::none) return;
    // The peer cannot be understood any more (RFC 6455 section 7.1.7): its close frame would not be either.
    flush_session();
    if (phase_ == Phase::open) {
        send_close(failed, Phase::ended);
    } else {
        phase_ = Phase::ended;
    }
    end_sending_when_drained();
    lose(true);
}

bool EngineWebSocket::on_message(bool binary, std::string_view data) {
    if (session_ == nullptr) return true;  // what comes between our close frame and the peer's is dropped
    if (binary) {
        session_->link_binary(host_->now(), *this, data);
    } else {
        session_->link_text(host_->now(), *this, data);
    }
    return true;
}

bool EngineWebSocket::on_ping(std::string_view data) {
    if (phase_ != Phase::open) return true;
    // They leave together when the read has been dealt with: a flood of pings costs one write for each read.
    if (!pongs_) pongs_ = std::make_unique<std::string>();
    // Behind what the socket does not take only the last ping is answered (section 5.5.3): a flood does not pile up.
    if (!unsent_.empty()) pongs_->clear();
    socketio::append_frame_head(*pongs_, Opcode::pong, data.size());
    *pongs_ += data;
    return true;
}

void EngineWebSocket::on_close(CloseCode code) {
    flush_session();
    if (phase_ == Phase::open) {
        send_close(code, Phase::ended);
    } else {
        phase_ = Phase::ended;
    }
    end_sending_when_drained();
    lose(false);
}

// --- Writing ---------------------------------------------------------------------------------------------------------

std::size_t EngineWebSocket::send(std::span<const socketio::OutPacket> packets) {
    if (phase_ != Phase::open || broken_) return 0;
    std::string& frames = host_->write_buffer();
    socketio::append_messages(frames, packets);
    write(frames);
    session_waits_ = !unsent_.empty();
    return unsent_.size();
}

void EngineWebSocket::write(std::string_view bytes) {
    if (broken_ || !socket_.is_open()) return;
    if (!unsent_.empty()) {
        unsent_ += bytes;
        return;
    }
    while (!bytes.empty()) {
        boost::system::error_code ec;
        const std::size_t written = socket_.write_some(asio::buffer(bytes.data(), bytes.size()), ec);
        if (ec == asio::error::would_block || ec == asio::error::try_again) {
            unsent_ = bytes;
            return wait_writable();
        }
        if (ec) return lose_later();
        bytes.remove_prefix(written);
    }
}

void EngineWebSocket::wait_writable() {
    socket_.async_wait(asio::ip::tcp::socket::wait_write, [self = shared_from_this()](boost::system::error_code ec) {
        if (ec) return;  // the wait for reading tells
        self->on_writable();
    });
}

void EngineWebSocket::on_writable() {
    std::string bytes = std::exchange(unsent_, {});
    write(bytes);
    if (!unsent_.empty() || broken_) return;
    send_pongs();
    if (!unsent_.empty() || broken_) return;
    if (phase_ == Phase::ended) return end_sending_when_drained();
    if (std::exchange(session_waits_, false) && session_ != nullptr) session_->link_writable(*this);
}

void EngineWebSocket::send_pongs() {
    if (!pongs_ || !unsent_.empty()) return;
    const auto frames = std::exchange(pongs_, nullptr);
    if (phase_ == Phase::open) write(*frames);
}

void EngineWebSocket::close() {
    session_ = nullptr;
    if (phase_ == Phase::open) send_close(CloseCode::none, Phase::close_sent);
}

void EngineWebSocket::send_close(CloseCode code, Phase next) {
    send_pongs();
    std::string frame;
    socketio::append_close_frame(frame, code);
    write(frame);
    phase_ = next;
    host_->expect_end(shared_from_this());
}

void EngineWebSocket::end_sending_when_drained() {
    if (!unsent_.empty()) return;
    boost::system::error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

void EngineWebSocket::flush_session() {
    // The answers to what came in the same turn are still to go out; nothing can after the goodbye.
    send_pongs();
    if (session_ != nullptr) session_->flush(host_->now());
}

void EngineWebSocket::lose(bool error) {
    broken_ = broken_ || !socket_.is_open();
    if (auto* const session = std::exchange(session_, nullptr)) session->link_lost(*this, error);
}

void EngineWebSocket::lose_later() {
    // The session may be in the middle of its `send`.
    broken_ = true;
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->abort(); });
}

}  // namespace carillon::http
