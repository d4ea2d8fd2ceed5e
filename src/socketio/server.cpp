#include "socketio/server.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "socketio/json_scanner.hpp"
#include "socketio/packet.hpp"

namespace carillon::socketio {
namespace {

/// As the last element of an array that has one. Returns by how much it grew.
std::size_t append_offset(std::string& array, std::uint64_t offset) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), offset).ptr;
    const std::size_t before = array.size();
    array.back() = ',';
    array.push_back('"');
    array.append(digits.data(), end);
    array += "\"]";
    return array.size() - before;
}

}  // namespace

EncodedEvent EncodedEvent::make(std::string_view event, std::span<const std::string_view> arguments_json,
                                std::vector<std::string> attachments) {
    if (is_reserved_event(event)) throw std::invalid_argument{"clients raise this event themselves"};
    std::string array;
    const std::size_t placeholders = append_array(array, event, arguments_json, attachments.size());
    EncodedEvent encoded;
    // Written without escapes, a name stands in the array as it is.
    if (array.compare(2, event.size(), event) == 0 && array[2 + event.size()] == '"') {
        encoded.name_size_ = event.size();
    } else {
        encoded.escaped_name_ = event;
    }
    encoded.array_ = std::make_shared<const std::string>(std::move(array));
    if (placeholders > 0) {
        encoded.attachments_ = std::make_shared<const std::vector<std::string>>(std::move(attachments));
    }
    return encoded;
}

EncodedEvent EncodedEvent::make(std::string_view event, std::initializer_list<std::string_view> arguments_json,
                                std::vector<std::string> attachments) {
    return make(event, std::span{arguments_json.begin(), arguments_json.size()}, std::move(attachments));
}

EncodedEvent EncodedEvent::from_array(std::string_view event, std::string array_json,
                                      std::optional<std::uint64_t> offset) {
    assert(!is_reserved_event(event));
    assert(array_json.compare(2, event.size(), event) == 0 && array_json[2 + event.size()] == '"');
    assert(JsonScanner{array_json}.value());
    EncodedEvent encoded;
    encoded.name_size_ = event.size();
    if (offset) {
        encoded.offset_ = *offset;
        encoded.offset_size_ = append_offset(array_json, *offset);
    }
    encoded.array_ = std::make_shared<const std::string>(std::move(array_json));
    return encoded;
}

EncodedEvent EncodedEvent::with_offset(std::uint64_t offset) const {
    EncodedEvent other = without_offset();
    if (!array_) return other;
    std::string array = *other.array_;
    other.offset_ = offset;
    other.offset_size_ = append_offset(array, offset);
    other.array_ = std::make_shared<const std::string>(std::move(array));
    return other;
}

EncodedEvent EncodedEvent::without_offset() const {
    EncodedEvent other = *this;
    if (!has_offset()) return other;
    std::string array = *array_;
    array.erase(array.size() - 1 - offset_size_, offset_size_);
    other.offset_ = 0;
    other.offset_size_ = 0;
    other.array_ = std::make_shared<const std::string>(std::move(array));
    return other;
}

std::string_view EncodedEvent::event() const {
    if (!escaped_name_.empty() || !array_) return escaped_name_;
    return std::string_view{*array_}.substr(2, name_size_);
}

std::string EncodedEvent::payload(std::string_view nsp) const {
    const std::size_t attachments = attachments_ ? attachments_->size() : 0;
    const auto type = attachments > 0 ? PacketType::binary_event : PacketType::event;
    std::string text = packet_prefix(type, nsp, {}, attachments);
    if (array_) text += *array_;
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
