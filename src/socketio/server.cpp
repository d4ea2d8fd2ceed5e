#include "socketio/server.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "socketio/outgoing.hpp"
#include "socketio/packet.hpp"

namespace carillon::socketio {
namespace {

/// The arrays of a text, each changed.
template <class Change>
SharedText rewritten(const SharedText& text, std::uint16_t events, Change change) {
    std::string out;
    out.reserve(text.size() + 24UL * events);
    OutPacket{text, nullptr, false, events}.for_each([&](std::string_view array) {
        if (!out.empty()) out.push_back(kPayloadSeparator);
        change(out, array);
    });
    return SharedText{out};
}

}  // namespace

EncodedEvent EncodedEvent::make(std::string_view event, std::span<const std::string_view> arguments_json,
                                std::vector<std::string> attachments) {
    if (is_reserved_event(event)) throw std::invalid_argument{"clients raise this event themselves"};
    TextBuilder array{array_size(event, arguments_json)};
    const std::size_t placeholders = append_array(array, event, arguments_json, attachments.size());
    EncodedEvent encoded;
    // Written without escapes, a name stands in the array as it is.
    const std::string_view written = array.view().substr(2);
    if (!written.starts_with(event) || written[event.size()] != '"') encoded.escaped_name_ = event;
    encoded.text_ = array.finish();
    if (placeholders > 0) {
        encoded.attachments_ = std::make_shared<const std::vector<SharedText>>(attachments.begin(), attachments.end());
    }
    return encoded;
}

EncodedEvent EncodedEvent::make(std::string_view event, std::initializer_list<std::string_view> arguments_json,
                                std::vector<std::string> attachments) {
    return make(event, std::span{arguments_json.begin(), arguments_json.size()}, std::move(attachments));
}

EncodedEvent EncodedEvent::from_arrays(SharedText arrays_json, std::uint16_t events,
                                       std::optional<std::uint64_t> offset) {
    assert(events > 0 && events <= kBatchMax);
    EncodedEvent encoded;
    encoded.text_ = std::move(arrays_json);
    encoded.events_ = events;
    encoded.has_offset_ = offset.has_value();
    encoded.offset_ = offset.value_or(0);
    assert(!is_reserved_event(encoded.event()));
    return encoded;
}

EncodedEvent EncodedEvent::from_arrays(SharedText arrays_json, std::uint16_t events,
                                       std::optional<std::uint64_t> offset, std::uint8_t states) {
    assert(states >> events == 0);
    EncodedEvent encoded = from_arrays(std::move(arrays_json), events, offset);
    encoded.states_ = states;
    return encoded;
}

void EncodedEvent::append_offset(std::string& arrays_json, std::uint64_t offset) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), offset).ptr;
    arrays_json.back() = ',';
    arrays_json.push_back('"');
    arrays_json.append(digits.data(), end);
    arrays_json += "\"]";
}

EncodedEvent EncodedEvent::with_offset(std::uint64_t offset) const {
    EncodedEvent other = without_offset();
    if (!text_) return other;
    other.has_offset_ = true;
    other.offset_ = offset;
    other.text_ = rewritten(other.text_, events_, [&](std::string& out, std::string_view array) {
        out += array;
        append_offset(out, offset);
    });
    return other;
}

EncodedEvent EncodedEvent::without_offset() const {
    EncodedEvent other = *this;
    if (!has_offset_) return other;
    other.has_offset_ = false;
    other.offset_ = 0;
    other.text_ = rewritten(text_, events_, [](std::string& out, std::string_view array) {
        // Digits alone are between the quotes.
        out += array.substr(0, array.rfind(','));
        out.push_back(']');
    });
    return other;
}

std::string_view EncodedEvent::event() const {
    if (!escaped_name_.empty() || !text_) return escaped_name_;
    const std::string_view named = text_.view().substr(2);
    return named.substr(0, named.find('"'));
}

std::string EncodedEvent::payload(std::string_view nsp) const {
    const std::size_t attachments = attachments_ ? attachments_->size() : 0;
    const auto type = attachments > 0 ? PacketType::binary_event : PacketType::event;
    std::string text;
    const std::string prefix = packet_prefix(type, nsp, {}, attachments);
    OutPacket{text_, &prefix, false, events_}.append_to(text);
    return text;
}

void Ack::operator()(const std::vector<std::string_view>& arguments_json, const std::vector<std::string>& attachments) {
    if (send_) send_(arguments_json, attachments);
}

void Socket::on(std::string event, EventHandler handler) {
    const auto known = std::find_if(named_.begin(), named_.end(), [&](const Named& one) { return one.event == event; });
    if (known != named_.end()) {
        known->handler = std::move(handler);
    } else {
        named_.push_back({std::move(event), std::move(handler)});
    }
}

void Socket::handle(const ReceivedEvent& event, Ack ack) {
    // A handler is out of its place while it runs: it may disconnect the socket, which frees the handlers, or set
    // others.
    const auto find = [&] {
        return std::find_if(named_.begin(), named_.end(), [&](const Named& one) { return one.event == event.name; });
    };
    if (on_any_) {
        auto handler = std::exchange(on_any_, nullptr);
        handler(event, find() == named_.end() ? std::move(ack) : ack);
        if (connected() && !on_any_) on_any_ = std::move(handler);
    }
    if (const auto found = find(); connected() && found != named_.end() && found->handler) {
        auto handler = std::exchange(found->handler, nullptr);
        handler(event, std::move(ack));
        if (const auto again = find(); connected() && again != named_.end() && !again->handler) {
            again->handler = std::move(handler);
        }
    }
}

std::function<void(std::string_view reason)> Socket::take_handlers() {
    on_any_ = nullptr;
    named_ = {};
    return std::exchange(on_disconnect_, nullptr);
}

}  // namespace carillon::socketio
