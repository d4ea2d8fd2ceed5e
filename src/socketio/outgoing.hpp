#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "socketio/engine_packet.hpp"
#include "socketio/shared_text.hpp"

namespace carillon::socketio {

/// Engine.IO packets on their way out: usually one, a text packet with its type digit or the bytes of a binary message.
/// Each is `prefix` and then its part of `body`, so that what was encoded once is shared by all sockets and namespaces
/// it goes to.
struct OutPacket {
    SharedText body;                      ///< of several, with `kPayloadSeparator` between them
    const std::string* prefix = nullptr;  ///< outlives the packet: a namespace's or a constant; null: none
    bool binary = false;
    std::uint16_t messages = 1;  ///< Socket.IO data in `body`; 0: one of Engine.IO's own packets
    std::uint8_t states = 0;     ///< the parts of `body` that `EncodedEvent::states` says
    std::uint8_t dropped = 0;    ///< of `states`: those not sent any more; `body` is shared, and keeps them

    /// How many packets there are.
    std::size_t count() const { return parts() - dropped_count(); }
    /// How many of them are Socket.IO data.
    std::size_t messages_left() const { return messages - dropped_count(); }
    std::uint8_t states_left() const { return static_cast<std::uint8_t>(states & ~dropped); }
    /// Bytes of all of them, without what goes between them.
    std::size_t size() const {
        if (dropped == 0) return (prefix ? prefix->size() : 0) * parts() + body.size() - (parts() - 1);
        std::size_t bytes = 0;
        for_each([&](std::string_view part) { bytes += (prefix ? prefix->size() : 0) + part.size(); });
        return bytes;
    }
    /// Calls `visit(std::string_view part_of_body)` for each.
    template <class Visit>
    void for_each(Visit&& visit) const {
        std::string_view rest = body.view();
        const std::size_t last = parts() - 1;
        for (std::size_t i = 0; i < last; ++i) {
            const std::size_t end = rest.find(kPayloadSeparator);
            if (!is_dropped(i)) visit(rest.substr(0, end));
            rest.remove_prefix(end + 1);
        }
        if (!is_dropped(last)) visit(rest);
    }
    /// As text with `kPayloadSeparator` between them.
    void append_to(std::string& out) const {
        bool first = true;
        for_each([&](std::string_view part) {
            if (!std::exchange(first, false)) out.push_back(kPayloadSeparator);
            if (prefix) out += *prefix;
            out += part;
        });
    }

    /// A text packet of its own.
    static OutPacket text(std::string_view text) { return {SharedText{text}, nullptr, false, 1}; }
    /// An Engine.IO packet whose text lives as long as the process.
    static OutPacket control(const std::string& constant) { return {SharedText{}, &constant, false, 0}; }

 private:
    std::size_t parts() const { return messages > 1 ? messages : 1; }
    std::size_t dropped_count() const { return dropped == 0 ? 0 : static_cast<std::size_t>(std::popcount(dropped)); }
    bool is_dropped(std::size_t part) const { return dropped != 0 && (dropped >> part & 1U) != 0; }
};

/// Storage that the queues of one shard borrow while more than one packet waits in them. Touched only on its thread.
class QueuePool {
 public:
    std::vector<OutPacket> take() {
        if (idle_.empty()) return {};
        std::vector<OutPacket> storage = std::move(idle_.back());
        idle_.pop_back();
        return storage;
    }
    void give_back(std::vector<OutPacket> storage) {
        storage.clear();
        if (storage.capacity() <= kCapacityMax && idle_.size() < kIdleMax) idle_.push_back(std::move(storage));
    }

 private:
    static constexpr std::size_t kCapacityMax = 256;
    static constexpr std::size_t kIdleMax = 1'024;

    std::vector<std::vector<OutPacket>> idle_;
};

/// What waits to be sent on one session. One packet, as most have, needs no memory besides.
class OutQueue {
 public:
    explicit OutQueue(QueuePool& pool) : pool_{pool} {}

    bool empty() const { return count_ == 0; }
    std::size_t size() const { return count_; }
    std::span<const OutPacket> packets() const {
        return count_ == 1 ? std::span{&only_, 1} : std::span<const OutPacket>{several_};
    }
    void push(OutPacket packet) {
        if (count_ == 0) {
            only_ = std::move(packet);
        } else {
            if (count_ == 1) {
                several_ = pool_.take();
                several_.push_back(std::move(only_));
            }
            several_.push_back(std::move(packet));
        }
        ++count_;
    }
    void pop_front(std::size_t number) {
        if (number >= count_) return clear();
        erase(0, number);
    }
    struct Spared {
        std::size_t packets = 0;
        std::size_t bytes = 0;
    };
    /// The newest states with that prefix are not to be sent any more. Looks back no further than to them, so that what
    /// a state costs is paid by the packets since the one before it.
    Spared drop_states(const std::string* prefix) {
        const std::span<OutPacket> all = count_ == 1 ? std::span{&only_, 1} : std::span{several_};
        for (std::size_t i = count_; i-- > 0;) {
            OutPacket& packet = all[i];
            const std::uint8_t states = packet.states_left();
            if (states == 0 || packet.prefix != prefix) continue;
            const std::size_t before = packet.size();
            packet.dropped |= states;
            const Spared spared{static_cast<std::size_t>(std::popcount(states)), before - packet.size()};
            if (packet.count() > 0) return spared;
            if (count_ == 1) {
                clear();
            } else {
                erase(i, 1);
            }
            return spared;
        }
        return {};
    }
    void clear() {
        if (count_ == 1) only_ = {};
        if (count_ > 1) pool_.give_back(std::exchange(several_, {}));
        count_ = 0;
    }

 private:
    /// Of several, not all.
    void erase(std::size_t first, std::size_t number) {
        const auto from = several_.begin() + static_cast<std::ptrdiff_t>(first);
        several_.erase(from, from + static_cast<std::ptrdiff_t>(number));
        count_ -= number;
        if (count_ == 1) {
            only_ = std::move(several_.front());
            pool_.give_back(std::exchange(several_, {}));
        }
    }

    QueuePool& pool_;
    OutPacket only_;  ///< when there is one
    std::vector<OutPacket> several_;
    std::size_t count_ = 0;
};

}  // namespace carillon::socketio
