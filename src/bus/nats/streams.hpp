#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bus/nats/link.hpp"
#include "bus/nats/nats_options.hpp"
#include "bus/nats/trouble_log.hpp"

namespace carillon::bus {

const char* stream_text(StreamName stream);
/// The stream that stores what is published on a subject of the contract.
std::optional<StreamName> stream_of(std::string_view subject);

/// The settings of a stream, as far as Carillon cares.
struct StreamSettings {
    std::vector<std::string> subjects;
    std::chrono::nanoseconds age_max{0};
    std::int64_t bytes_max = 0;
    std::int64_t replicas = 1;
    bool file_storage = true;
    bool discard_old = true;
    bool keeps_until_limits = true;  ///< not a work queue, which a follower would empty
};

StreamSettings wanted_settings(StreamName stream, const NatsOptions& options);
/// What differs, for people: "max_bytes is 10, not 20; …"; empty when nothing does.
std::string describe_difference(const StreamSettings& has, const StreamSettings& wanted);

/// Where a stream stands.
struct StreamState {
    std::int64_t created = 0;  ///< changes when it is made anew
    std::uint64_t first_sequence = 0;
    std::uint64_t last_sequence = 0;
};

/// nats-server still removes the files of what was deleted when it already says that it is not there; what is made
/// under the same name in that moment loses its own (2.9). So one that was there before is given this time to go.
inline constexpr std::chrono::milliseconds kDeletionPause{1'000};

/// Makes the streams that are missing, and says in one line what is in the way. Thread: any; blocks.
class Streams {
 public:
    Streams(const NatsOptions& options, TroubleLog& log) : options_{options}, log_{log} {}

    /// Nothing when it is neither there nor can be made now.
    std::optional<StreamState> ensure(Link& link, StreamName stream);

 private:
    std::optional<StreamState> create(Link& link, StreamName stream);
    bool may_create(StreamName stream);
    StreamState note(const jsStreamInfo& info, StreamName stream);
    void tell(StreamName stream, natsStatus status, jsErrCode code);

    // Constant after construction.
    const NatsOptions& options_;
    TroubleLog& log_;

    // Guarded by mutex_: one at a time, so that a vanished stream is made, and said to be, once.
    std::mutex mutex_;
    std::set<std::string> differences_told_;
    std::set<StreamName> seen_;
    std::map<StreamName, std::chrono::steady_clock::time_point> gone_since_;
};

/// What is wrong, as a fixed phrase, and what to do about it.
struct Advice {
    std::string_view what;
    std::string_view advice;
};
Advice advice_for(natsStatus status, int code);

}  // namespace carillon::bus
