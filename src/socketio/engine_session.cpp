#include "socketio/engine_session.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

#include "socketio/base64.hpp"
#include "socketio/engine_packet.hpp"
#include "socketio/utf8.hpp"

namespace carillon::socketio {
namespace {

const std::string kClose = "1";
const std::string kPing = "2";
const std::string kProbePong = "3probe";
const std::string kNoop = "6";

constexpr std::chrono::milliseconds kLatenessMax{50};

void append_json_member(std::string& out, std::string_view name, std::uint64_t value) {
    out += ",\"";
    out += name;
    out += "\":";
    out += std::to_string(value);
}

}  // namespace

std::string_view transport_name(Transport transport) {
    return transport == Transport::polling ? "polling" : "websocket";
}

EngineSession::EngineSession(const ServerConfig& config, QueuePool& queues, const Sid& sid, base::SteadyTime now,
                             WebSocketLink* link)
    : config_{config},
      sid_{sid},
      queue_{queues},
      link_{link},
      heartbeat_at_{now + config.ping_interval},
      transport_{link == nullptr ? Transport::polling : Transport::websocket} {}

std::string EngineSession::open_packet() const {
    std::string packet{"0{\"sid\":\""};
    packet += sid();
    packet += transport_ == Transport::polling ? "\",\"upgrades\":[\"websocket\"]" : "\",\"upgrades\":[]";
    append_json_member(packet, "pingInterval", static_cast<std::uint64_t>(config_.ping_interval.count()));
    append_json_member(packet, "pingTimeout", static_cast<std::uint64_t>(config_.ping_timeout.count()));
    append_json_member(packet, "maxPayload", config_.max_payload);
    packet.push_back('}');
    return packet;
}

// --- Polling ---------------------------------------------------------------------------------------------------------

void EngineSession::poll(base::SteadyTime now, PollHold& hold) {
    if (poll_ != nullptr) {
        // Two GETs at once: the client is broken. The first one hears of the end, the second is refused.
        fail("transport error");
        hold.answer(400, {});
        return;
    }
    poll_ = &hold;
    if (state_ == State::closing) return flush_closing(now);
    flush_poll(now);
    if (probe_ != nullptr) on_work();  // a NOOP may be due soon
}

void EngineSession::poll_lost(PollHold& hold) {
    if (poll_ != &hold) return;
    poll_ = nullptr;
    fail("transport error");
}

void EngineSession::begin_post(const void* which) {
    if (state_ != State::open || transport_ != Transport::polling) return;
    if (receiving_ != nullptr) return fail("transport error");
    receiving_ = which;
}

void EngineSession::post_lost(const void* which) {
    if (receiving_ != which) return;
    receiving_ = nullptr;
    if (state_ == State::open) fail("transport error");
}

void EngineSession::post_refused(const void* which) {
    if (receiving_ == which) receiving_ = nullptr;
}

PostAnswer EngineSession::post(base::SteadyTime now, std::string_view body, bool octet_stream, const void* which) {
    if (state_ != State::open) return {200};
    if (std::exchange(receiving_, nullptr) != which) {
        // One overtakes another whose body is still on its way: the order is lost.
        fail("transport error");
        return {400};
    }
    if (octet_stream) {
        fail("transport error");
        return {400};
    }
    if (!is_valid_utf8(body)) {
        fail("parse error");
        return {400};
    }
    for (bool more = true; more && state_ == State::open;) {
        const auto packet = decode_engine_packet(take_payload_packet(body, more));
        if (!packet) {
            fail("parse error");
            return {400};
        }
        // The GET that waits comes back as if nothing had happened; the client is leaving anyway.
        if (packet->type == EngineType::close && poll_ != nullptr) answer_poll(200, kNoop);
        on_packet(now, *packet);
    }
    return {200};
}

// --- WebSocket -------------------------------------------------------------------------------------------------------

void EngineSession::begin_upgrade(base::SteadyTime now, WebSocketLink& link) {
    assert(upgradable());
    probe_ = &link;
    probe_state_ = Probe::attached;
    upgrade_at_ = now + config_.upgrade_timeout;
    on_work();
}

void EngineSession::link_text(base::SteadyTime now, WebSocketLink& link, std::string_view text) {
    if (&link == probe_) return on_probe_text(now, text);
    if (&link != link_ || state_ != State::open) return;
    const auto packet = decode_engine_packet(text);
    if (!packet) return fail("parse error");
    on_packet(now, *packet);
}

void EngineSession::link_binary(base::SteadyTime now, WebSocketLink& link, std::string_view data) {
    if (&link == probe_) return drop_probe(true);
    if (&link != link_ || state_ != State::open) return;
    on_alive(now);
    on_binary(now, data);
}

void EngineSession::link_lost(WebSocketLink& link, bool error) {
    if (&link == probe_) return drop_probe(false);
    if (&link != link_) return;
    link_ = nullptr;
    fail(error ? "transport error" : "transport close");
}

void EngineSession::link_writable(WebSocketLink& link) {
    if (&link != link_ && &link != probe_) return;
    on_queued(-static_cast<std::ptrdiff_t>(link_bytes_));
    link_bytes_ = 0;
    if (!queue_.empty() || state_ == State::closing) on_work();
}

void EngineSession::on_probe_text(base::SteadyTime now, std::string_view text) {
    if (text == "2probe") {
        if (link_bytes_ > 0) return drop_probe(true);  // it does not read what it asks for
        // Data keeps going over polling until the client confirms; a waiting GET has to come back first.
        link_bytes_ = probe_->send(std::array{OutPacket::control(kProbePong)});
        on_queued(static_cast<std::ptrdiff_t>(link_bytes_));
        probe_state_ = Probe::probed;
        noop_at_ = now;
        if (poll_ != nullptr) flush_poll(now);
        return on_work();
    }
    if (text == "5" && probe_state_ == Probe::probed) return complete_upgrade();
    drop_probe(true);
}

void EngineSession::complete_upgrade() {
    // The heartbeat is left as it is: a pong that got lost on the way must still be missed.
    link_ = std::exchange(probe_, nullptr);
    probe_state_ = Probe::none;
    upgrade_at_ = kNever;
    transport_ = Transport::websocket;
    receiving_ = nullptr;
    if (poll_ != nullptr) answer_poll(200, kNoop);
    on_upgraded();
    on_work();
}

void EngineSession::drop_probe(bool close_it) {
    WebSocketLink* const probe = std::exchange(probe_, nullptr);
    probe_state_ = Probe::none;
    upgrade_at_ = kNever;
    on_queued(-static_cast<std::ptrdiff_t>(link_bytes_));
    link_bytes_ = 0;
    if (close_it) probe->close();
    on_work();
}

// --- Both ------------------------------------------------------------------------------------------------------------

void EngineSession::on_packet(base::SteadyTime now, const EnginePacket& packet) {
    switch (packet.type) {
        case EngineType::message:
            on_alive(now);
            return packet.binary ? on_binary(now, packet.bytes) : on_text(now, packet.data);
        case EngineType::ping:
            return fail("transport error");  // wrong direction since v4
        case EngineType::close:
            return fail("transport close");
        case EngineType::pong:
            return on_pong(now);
        case EngineType::open:
        case EngineType::upgrade:
        case EngineType::noop:
            return on_alive(now);
    }
}

void EngineSession::on_pong(base::SteadyTime now) {
    if (!awaiting_pong_) return;
    awaiting_pong_ = false;
    const base::SteadyTime pong_due = std::exchange(heartbeat_at_, now + config_.ping_interval);
    // Usually the deadline moves back, which needs no work; with an interval below the timeout it moves forward.
    if (heartbeat_at_ < pong_due) on_work();
}

void EngineSession::on_alive(base::SteadyTime now) {
    // A long upload delays the pong behind it. Once per ping, so that a client that never answers is still found.
    if (!awaiting_pong_ || pong_extended_) return;
    pong_extended_ = true;
    heartbeat_at_ = now + config_.ping_timeout;
}

void EngineSession::heartbeat(base::SteadyTime now) {
    if (awaiting_pong_) return fail("ping timeout");
    awaiting_pong_ = true;
    pong_extended_ = false;
    heartbeat_at_ = punctual(heartbeat_at_, now) + config_.ping_timeout;
    send(OutPacket::control(kPing));
}

base::SteadyTime EngineSession::punctual(base::SteadyTime at, base::SteadyTime now) const {
    // Small delays must not add up, and the client counts from its own clock; after a long one it gets its full time.
    return now - at <= std::min<base::SteadyTime::duration>(config_.ping_timeout / 4, kLatenessMax) ? at : now;
}

void EngineSession::send(OutPacket packet) {
    if (state_ != State::open || overflowed_) return;
    if (packet.states != 0 && is_behind()) keep_last_state(packet);
    const std::size_t size = packet.size();
    if (queued_bytes() + size > config_.queue_bytes_max || queue_.size() >= config_.queue_packets_max) {
        overflowed_ = true;
    } else {
        queued_bytes_ += size;
        on_queued(static_cast<std::ptrdiff_t>(size));
        queue_.push(std::move(packet));
    }
    on_output();
}

void EngineSession::keep_last_state(OutPacket& packet) {
    packet.dropped = static_cast<std::uint8_t>(packet.states & ~std::bit_floor(packet.states));
    const auto waited = queue_.drop_states(packet.prefix);
    queued_bytes_ -= waited.bytes;
    on_queued(-static_cast<std::ptrdiff_t>(waited.bytes));
    const std::size_t spared = waited.packets + static_cast<std::size_t>(std::popcount(packet.dropped));
    if (spared > 0) on_spared(spared);
}

void EngineSession::close(std::string_view reason) {
    end(reason);
}

void EngineSession::end(std::string_view reason) {
    if (state_ != State::open) return;
    state_ = State::closing;
    on_closed(reason);
    on_work();
}

void EngineSession::fail(std::string_view reason) {
    end(reason);
    if (state_ == State::released) return;
    clear_queue();
    if (poll_ != nullptr) answer_poll(200, kClose);
    release();
}

void EngineSession::release() {
    assert(state_ == State::closing);
    state_ = State::released;
    clear_queue();
    on_queued(-static_cast<std::ptrdiff_t>(link_bytes_));
    link_bytes_ = 0;
    if (probe_ != nullptr) drop_probe(true);
    if (link_ != nullptr) std::exchange(link_, nullptr)->close();
    on_released();
}

void EngineSession::abandon() {
    poll_ = nullptr;
    link_ = nullptr;
    probe_ = nullptr;
    state_ = State::released;
}

base::SteadyTime EngineSession::deadline() const {
    if (state_ == State::released) return kNever;
    if (state_ == State::closing) return closing_at_;
    base::SteadyTime at = std::min(heartbeat_at_, upper_deadline());
    if (probe_ != nullptr) {
        at = std::min(at, upgrade_at_);
        if (probe_state_ == Probe::probed && poll_ != nullptr) at = std::min(at, noop_at_);
    }
    return at;
}

void EngineSession::on_time(base::SteadyTime now) {
    if (state_ == State::closing) {
        if (now >= closing_at_) release();
        return;
    }
    if (state_ == State::released) return;
    if (probe_ != nullptr && now >= upgrade_at_) drop_probe(true);
    if (poll_ != nullptr) flush_poll(now);
    if (now >= heartbeat_at_) heartbeat(now);
    if (state_ == State::open && now >= upper_deadline()) on_upper_time(now);
}

// --- Flushing --------------------------------------------------------------------------------------------------------

void EngineSession::flush(base::SteadyTime now) {
    if (state_ == State::released) return;
    if (state_ == State::open) on_upper_flush(now);
    if (overflowed_ && state_ == State::open) {
        clear_queue();
        end("slow consumer");
    }
    if (state_ == State::closing) {
        flush_closing(now);
    } else if (transport_ == Transport::websocket) {
        flush_link();
    } else if (poll_ != nullptr) {
        flush_poll(now);
    }
}

void EngineSession::flush_poll(base::SteadyTime now) {
    if (!queue_.empty()) return answer_poll(200, take_payload(kPollPacketsMax));
    if (probe_state_ != Probe::probed || now < noop_at_) return;
    noop_at_ = now + config_.noop_interval;
    answer_poll(200, kNoop);
}

void EngineSession::flush_link() {
    if (queue_.empty() || link_bytes_ > 0) return;
    std::size_t messages = 0;
    for (const OutPacket& packet : queue_.packets()) messages += packet.messages_left();
    on_sent(messages, queued_bytes_);
    link_bytes_ = link_->send(queue_.packets());
    on_queued(static_cast<std::ptrdiff_t>(link_bytes_));
    clear_queue();
}

void EngineSession::flush_closing(base::SteadyTime now) {
    if (state_ != State::closing) return;
    if (probe_ != nullptr) drop_probe(true);
    if (transport_ == Transport::websocket) {
        flush_link();
        if (!queue_.empty()) {
            // The link is still busy: give it as long as a polling client would get.
            if (closing_at_ == kNever) closing_at_ = now + config_.poll_close_wait;
            return;
        }
        return release();
    }
    if (poll_ == nullptr) {
        if (closing_at_ == kNever) closing_at_ = now + config_.poll_close_wait;
        return;
    }
    // One place is kept for the close packet; when more is waiting, the next GET fetches it.
    std::string payload = queue_.empty() ? std::string{} : take_payload(kPollPacketsMax - 1);
    const bool last = queue_.empty();
    if (last) {
        if (!payload.empty()) payload.push_back(kPayloadSeparator);
        payload += kClose;
    }
    answer_poll(200, std::move(payload));
    if (last) release();
}

void EngineSession::answer_poll(int status, std::string body) {
    PollHold* const hold = std::exchange(poll_, nullptr);
    hold->answer(status, std::move(body));
}

std::string EngineSession::take_payload(std::size_t packets_max) {
    std::size_t taken = 0;
    std::size_t packets = 0;
    std::size_t messages = 0;
    std::size_t bytes = 0;
    std::string payload;
    for (const OutPacket& packet : queue_.packets()) {
        packets += packet.count();
        if (packets > packets_max) break;
        if (taken++ > 0) payload.push_back(kPayloadSeparator);
        if (packet.binary) {
            payload.push_back('b');
            append_base64(payload, packet.body.view());
        } else {
            packet.append_to(payload);
        }
        messages += packet.messages_left();
        bytes += packet.size();
    }
    queue_.pop_front(taken);
    queued_bytes_ -= bytes;
    on_queued(-static_cast<std::ptrdiff_t>(bytes));
    on_sent(messages, bytes);
    return payload;
}

void EngineSession::clear_queue() {
    on_queued(-static_cast<std::ptrdiff_t>(queued_bytes_));
    queued_bytes_ = 0;
    queue_.clear();
}

}  // namespace carillon::socketio
