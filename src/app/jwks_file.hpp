#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "token/token.hpp"

namespace carillon::app {

/// Looks at a file with a JWK Set once a second and hands what is new in it to a verifier, which outlives this. A file
/// that is gone, too large or no key set leaves the keys as they are, and is said once in the log. Reads on a thread of
/// its own: a file may lie on a disk that hangs.
class JwksFile {
 public:
    /// `known`: what the verifier has by now, the content of the file as it was read.
    JwksFile(std::string path, std::string known, token::JwksVerifier& verifier,
             std::chrono::milliseconds interval = std::chrono::seconds{1});
    ~JwksFile();
    JwksFile(const JwksFile&) = delete;
    JwksFile& operator=(const JwksFile&) = delete;

    void start();

 private:
    void run();
    void look();

    // Constant after construction.
    const std::string path_;
    token::JwksVerifier& verifier_;
    const std::chrono::milliseconds interval_;

    // Touched only on the thread.
    std::string known_;
    std::string refused_;  ///< why, as told

    // Guarded by mutex_.
    std::mutex mutex_;
    std::condition_variable stopped_;
    bool stopping_ = false;

    std::thread thread_;
};

}  // namespace carillon::app
