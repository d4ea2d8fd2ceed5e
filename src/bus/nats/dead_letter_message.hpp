#pragma once

#include <string>

#include "bus/bus.hpp"
#include "bus/nats/link.hpp"

namespace carillon::bus {

/// The headers of a message in stream DEAD_LETTER.
namespace dead_letter_header {
inline constexpr const char* kReason = "Carillon-Reason";
inline constexpr const char* kSubject = "Carillon-Subject";
inline constexpr const char* kMessageId = "Carillon-Message-Id";
inline constexpr const char* kStream = "Carillon-Stream";
inline constexpr const char* kSequence = "Carillon-Sequence";
inline constexpr const char* kDeliveries = "Carillon-Deliveries";
}  // namespace dead_letter_header

/// How a message that was given up is kept: subject `dead.<subject>`, its payload as it came, why and whence in the
/// headers. The id `dead-<stream>-<sequence>` makes one of those that several gateways write.
Outgoing to_dead_letter(const DeadLetter& letter);

}  // namespace carillon::bus
