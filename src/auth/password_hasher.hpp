#pragma once

#include <cstddef>
#include <string>

#include "auth/errc.hpp"
#include "base/result.hpp"
#include "loop/event_loop.hpp"
#include "loop/task.hpp"

namespace carillon::auth {

/// What one argon2id hash costs. The defaults are the minimum that OWASP's password storage cheat sheet recommends
/// (19 MiB, two passes, one lane): measured at 28 ms of a busy core, so two threads check some 70 passwords a second
/// with 38 MiB. libsodium's own "interactive" level takes 64 MiB, which this many sign-ins at once do not justify.
/// Hashes carry their parameters, so that raising these leaves the old hashes valid; each is made anew at its user's
/// next log-in.
struct PasswordHashing {
    unsigned long long passes = 2;
    std::size_t memory_bytes = 19 * 1024 * 1024;
    std::size_t threads = 2;
    std::size_t queue_max = 64;
};

/// Hashes passwords with argon2id (RFC 9106) on threads of its own: a shard must not stand still for that long. The
/// queue is bounded, and so is the wait for it. Wipes its copies of the passwords. Thread: any.
///
/// Must outlive the tasks it gave out: stop the loops that await them first.
class PasswordHasher {
 public:
    /// Throws std::runtime_error when libsodium cannot be initialised, std::invalid_argument for parameters that
    /// argon2id does not take.
    explicit PasswordHasher(PasswordHashing settings);

    /// The encoded hash ("$argon2id$v=19$m=…"), with a salt of its own. Errors: overloaded.
    loop::Task<base::Result<std::string>> hash(std::string password);
    /// Whether `encoded` is a hash of `password`. Errors: overloaded.
    loop::Task<base::Result<bool>> matches(std::string encoded, std::string password);
    /// Whether `encoded` was made with other parameters than these, so that it should be made anew.
    bool is_outdated(const std::string& encoded) const;
    /// A hash that no password has, with the same parameters: checking a password against it takes as long as against a
    /// real one.
    const std::string& dummy() const { return dummy_; }

 private:
    // Constant after construction.
    const PasswordHashing settings_;
    std::string dummy_;
    loop::ThreadPool threads_;
};

}  // namespace carillon::auth
