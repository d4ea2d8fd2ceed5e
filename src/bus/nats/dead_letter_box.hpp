#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "bus/nats/nats_options.hpp"

namespace carillon::bus {

/// A message of stream DEAD_LETTER.
struct KeptLetter {
    std::uint64_t number = 0;  ///< its sequence in DEAD_LETTER
    base::TimePoint kept_at;
    std::string subject;  ///< where it was published
    std::string message_id;
    std::string stream;
    std::uint64_t sequence = 0;  ///< in that stream
    std::uint32_t deliveries = 0;
    std::string reason;
    std::string traceparent;
    std::string payload;
};

/// Looks into the dead letters and sends them on their way again: for people, by `carillon deadletters`. Every method
/// blocks. An error is one line for the user.
class DeadLetterBox {
 public:
    template <class T>
    using Answer = base::Result<T, std::string>;

    static Answer<std::unique_ptr<DeadLetterBox>> open(NatsOptions options);
    ~DeadLetterBox();
    DeadLetterBox(const DeadLetterBox&) = delete;
    DeadLetterBox& operator=(const DeadLetterBox&) = delete;

    /// The newest `limit`, oldest first.
    Answer<std::vector<KeptLetter>> list(std::size_t limit);
    /// Nothing when there is none with that number.
    Answer<std::optional<KeptLetter>> find(std::uint64_t number);
    /// Publishes it under its own subject again, and removes it from the box once JetStream has stored it. A second
    /// replay after a crash between the two is dropped by JetStream within its window for duplicates.
    Answer<void> replay(const KeptLetter& letter);

 private:
    struct Impl;
    explicit DeadLetterBox(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace carillon::bus
