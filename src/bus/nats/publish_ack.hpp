#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace carillon::bus {

/// What JetStream answered to a publish.
struct PublishAck {
    bool stored = false;
    std::uint64_t sequence = 0;
    bool duplicate = false;  ///< a message with this id was stored before
    int error_code = 0;      ///< JetStream's own, when not stored
    std::string error;
};

/// Reads `{"stream": …, "seq": …, "duplicate"?: …}` or `{"error": {"code", "err_code", "description"}}`. What is
/// neither counts as not stored.
PublishAck parse_publish_ack(std::string_view json);

}  // namespace carillon::bus
