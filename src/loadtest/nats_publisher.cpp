#include "loadtest/nats_publisher.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "loadtest/payload_text.hpp"

namespace carillon::loadtest {
namespace {

constexpr std::string_view kConnect =
    "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c++\",\"name\":\"carillon loadtest\",\"version\":\"1\","
    "\"protocol\":1,\"headers\":true,\"no_responders\":true}\r\n";

std::string inbox_of(std::uint64_t run) {
    return "_INBOX.carillon-" + std::to_string(run) + '.';
}

std::size_t to_size(std::string_view text) {
    std::size_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

/// The words of an operation's line: at most five.
struct Words {
    std::array<std::string_view, 6> word;
    std::size_t count = 0;
};

Words split(std::string_view line) {
    Words words;
    while (!line.empty() && words.count < words.word.size()) {
        const auto space = std::min(line.find(' '), line.size());
        if (space > 0) words.word[words.count++] = line.substr(0, space);
        line.remove_prefix(std::min(space + 1, line.size()));
    }
    return words;
}

}  // namespace

NatsPublisher::NatsPublisher(Reactor& reactor, Endpoint endpoint, std::uint64_t run, Answered answered)
    : Stream{reactor}, endpoint_{std::move(endpoint)}, inbox_{inbox_of(run)}, answered_{std::move(answered)} {}

void NatsPublisher::connect() {
    failure_.clear();
    std::string reason;
    if (!open(endpoint_, nullptr, reason)) failure_ = reason;
}

void NatsPublisher::publish(std::uint64_t tag, std::string_view subject, std::string_view message_id,
                            std::string_view payload) {
    constexpr std::string_view kHead = "NATS/1.0\r\nNats-Msg-Id: ";
    const std::size_t head = kHead.size() + message_id.size() + 4;
    std::string& to = out();
    to += "HPUB ";
    to += subject;
    to += ' ';
    to += inbox_;
    to += std::to_string(tag);
    to += ' ';
    to += std::to_string(head);
    to += ' ';
    to += std::to_string(head + payload.size());
    to += "\r\n";
    to += kHead;
    to += message_id;
    to += "\r\n\r\n";
    to += payload;
    to += "\r\n";
}

std::size_t NatsPublisher::on_bytes(std::string_view bytes, base::SteadyTime) {
    std::size_t used = 0;
    while (is_open() && used < bytes.size()) {
        const std::size_t size = take_operation(bytes.substr(used));
        if (size == 0) break;
        used += size;
    }
    return used;
}

std::size_t NatsPublisher::take_operation(std::string_view bytes) {
    const auto end = bytes.find("\r\n");
    if (end == std::string_view::npos) return 0;
    const std::string_view line = bytes.substr(0, end);
    const std::size_t line_size = end + 2;
    if (line.starts_with("INFO")) {
        send(kConnect);
        send("SUB " + inbox_ + "* 1\r\nPING\r\n");
    } else if (line.starts_with("PING")) {
        send("PONG\r\n");
    } else if (line.starts_with("PONG")) {
        ready_ = true;
    } else if (line.starts_with("-ERR")) {
        failure_ = line;
    } else if (line.starts_with("MSG") || line.starts_with("HMSG")) {
        // MSG subject sid [reply] size, or HMSG subject sid [reply] head-size size
        const Words words = split(line);
        const bool with_head = line.front() == 'H';
        const std::size_t size = to_size(words.word[words.count - 1]);
        const std::size_t head = with_head ? to_size(words.word[words.count - 2]) : 0;
        if (bytes.size() < line_size + size + 2) return 0;
        const std::string_view body = bytes.substr(line_size, size);
        on_message(words.word[1], body.substr(0, head), body.substr(std::min(head, size)));
        return line_size + size + 2;
    }
    return line_size;
}

void NatsPublisher::on_message(std::string_view subject, std::string_view headers, std::string_view payload) {
    if (!subject.starts_with(inbox_)) return;
    const std::uint64_t tag = to_size(subject.substr(inbox_.size()));
    if (headers.starts_with("NATS/1.0 503")) return answered_(tag, "no stream has the subject");
    if (payload.find("\"error\"") != std::string_view::npos) {
        const auto description = text_field(payload, "description");
        return answered_(tag, description.empty() ? "refused by the stream" : description);
    }
    answered_(tag, {});
}

void NatsPublisher::on_ended(std::string_view reason) {
    ready_ = false;
    if (failure_.empty()) failure_ = reason;
}

}  // namespace carillon::loadtest
