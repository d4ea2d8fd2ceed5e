#include "bus/nats/dead_letter_message.hpp"

#include <algorithm>

#include "bus/nats/delivery_of.hpp"
#include "bus/nats/streams.hpp"

namespace carillon::bus {
namespace {

constexpr std::size_t kReasonBytesMax = 1'000;

/// What a header can hold: one line.
std::string one_line(std::string text) {
    if (text.size() > kReasonBytesMax) text.resize(kReasonBytesMax);
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
    return text;
}

}  // namespace

Outgoing to_dead_letter(const DeadLetter& letter) {
    const auto& message = letter.delivery.message;
    const auto stream = stream_of(message.subject);
    const std::string stream_name = stream ? stream_text(*stream) : "?";
    const auto sequence = std::to_string(letter.delivery.sequence);
    Outgoing out;
    out.subject = "dead." + message.subject;
    out.payload = message.payload;
    out.headers = {{header::kMessageId, "dead-" + stream_name + "-" + sequence},
                   {dead_letter_header::kReason, one_line(letter.reason.empty() ? "no reason given" : letter.reason)},
                   {dead_letter_header::kSubject, message.subject},
                   {dead_letter_header::kStream, stream_name},
                   {dead_letter_header::kSequence, sequence},
                   {dead_letter_header::kDeliveries, std::to_string(letter.delivery.attempt)}};
    // Never an empty value: cnats then fails to read all of a message's headers.
    if (!message.message_id.empty()) {
        out.headers.emplace_back(dead_letter_header::kMessageId, one_line(message.message_id));
    }
    if (!message.traceparent.empty()) out.headers.emplace_back(header::kTraceparent, one_line(message.traceparent));
    return out;
}

}  // namespace carillon::bus
