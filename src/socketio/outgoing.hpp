#pragma once

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
    std::uint16_t messages = 1;  ///< Socket.IO data; 0: one of Engine.IO's own packets

    /// How many packets there are.
    std::size_t count() const { return messages > 1 ? messages : 1; }
    /// Bytes of all of them, without what goes between them.
    std::size_t size() const { return (prefix ? prefix->size() : 0) * count() + body.size() - (count() - 1); }
    /// Calls `visit(std::string_view part_of_body)` for each.
    template <class Visit>
    void for_each(Visit&& visit) const {
        std::string_view rest = body.view();
        for (std::size_t left = count(); left > 1; --left) {
            const std::size_t end = rest.find(kPayloadSeparator);
            visit(rest.substr(0, end));
            rest.remove_prefix(end + 1);
        }
        visit(rest);
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
        several_.erase(several_.begin(), several_.begin() + static_cast<std::ptrdiff_t>(number));
        count_ -= number;
        if (count_ == 1) {
            only_ = std::move(several_.front());
            pool_.give_back(std::exchange(several_, {}));
        }
    }
    void clear() {
        if (count_ == 1) only_ = {};
        if (count_ > 1) pool_.give_back(std::exchange(several_, {}));
        count_ = 0;
    }

 private:
    QueuePool& pool_;
    OutPacket only_;  ///< when there is one
    std::vector<OutPacket> several_;
    std::size_t count_ = 0;
};

}  // namespace carillon::socketio
