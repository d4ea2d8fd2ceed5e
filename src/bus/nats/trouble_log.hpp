#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace carillon::bus {

/// Says each trouble once, when it begins or changes, and once when it is over: a server that is away for an hour makes
/// two lines, not a thousand. Thread: any.
class TroubleLog {
 public:
    /// `what` is a fixed phrase; `advice` says what to do.
    void raise(const std::string& topic, std::string_view what, std::string detail, std::string_view advice);
    /// Says `what`, if the topic was in trouble.
    void clear(const std::string& topic, std::string_view what);
    bool raised(const std::string& topic) const;
    /// The trouble is over, and somebody else says so.
    void forget(const std::string& topic);

 private:
    // Guarded by mutex_.
    mutable std::mutex mutex_;
    std::map<std::string, std::string> raised_;
};

}  // namespace carillon::bus
