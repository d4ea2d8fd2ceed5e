#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace carillon::bus {

/// What JetStream says about a message it delivers: its reply subject (NATS ADR-15), in both forms,
/// `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>` and, with
/// `<domain>.<account>` before the stream and a token at the end, the newer one.
struct AckSubject {
    std::string_view stream;
    std::uint64_t deliveries = 0;
    std::uint64_t stream_sequence = 0;
    std::uint64_t consumer_sequence = 0;
};

/// Nothing for a subject of another form. The views are into `subject`.
std::optional<AckSubject> parse_ack_subject(std::string_view subject);

}  // namespace carillon::bus
