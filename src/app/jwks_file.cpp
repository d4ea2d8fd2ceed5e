#include "app/jwks_file.hpp"

#include <exception>
#include <utility>

#include "app/user_keys.hpp"
#include "base/log.hpp"

namespace carillon::app {

JwksFile::JwksFile(std::string path, std::string known, token::JwksVerifier& verifier,
                   std::chrono::milliseconds interval)
    : path_{std::move(path)}, verifier_{verifier}, interval_{interval}, known_{std::move(known)} {}

JwksFile::~JwksFile() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    stopped_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void JwksFile::start() {
    thread_ = std::thread{[this] { run(); }};
}

void JwksFile::run() {
    std::unique_lock lock{mutex_};
    while (!stopped_.wait_for(lock, interval_, [this] { return stopping_; })) {
        lock.unlock();
        look();
        lock.lock();
    }
}

// The content decides, not the time of the last change: that is too coarse on some file systems, and a file that was
// read while it was written is read again.
void JwksFile::look() {
    try {
        std::string content = read_key_file("--jwt-jwks", path_);
        if (content == known_) {
            refused_.clear();
            return;
        }
        const std::size_t keys = verifier_.replace_keys(content);
        known_ = std::move(content);
        refused_.clear();
        base::log_info("the keys of the user tokens were replaced", {{"file", path_}, {"keys", keys}});
    } catch (const std::exception& error) {
        if (refused_ == error.what()) return;
        refused_ = error.what();
        base::log_error("the keys of the user tokens stay as they are", {{"file", path_}, {"reason", error.what()}});
    }
}

}  // namespace carillon::app
