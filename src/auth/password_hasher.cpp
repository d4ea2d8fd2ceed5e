#include "auth/password_hasher.hpp"

#include <sodium.h>

#include <array>
#include <cerrno>
#include <memory>
#include <stdexcept>

#include "base/ids.hpp"
#include "loop/suspend.hpp"

namespace carillon::auth {
namespace {

using HashResult = base::Result<std::string>;
using MatchResult = base::Result<bool>;

void wipe(std::string& secret) {
    sodium_memzero(secret.data(), secret.size());
    secret.clear();
}

/// A password on its way to the hashing thread, wiped with the last reference to it.
class Secret {
 public:
    explicit Secret(std::string text) : text_{std::move(text)} {}
    ~Secret() { wipe(text_); }
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    const std::string& text() const { return text_; }

 private:
    std::string text_;
};

// Error: out of memory, or parameters that the library refuses.
HashResult encode(const std::string& password, const PasswordHashing& settings) {
    std::array<char, crypto_pwhash_STRBYTES> out{};
    if (crypto_pwhash_str_alg(out.data(), password.data(), password.size(), settings.passes, settings.memory_bytes,
                              crypto_pwhash_ALG_ARGON2ID13) != 0) {
        return errc::overloaded;
    }
    return std::string{out.data()};
}

MatchResult check(const std::string& encoded, const std::string& password) {
    errno = 0;
    if (crypto_pwhash_str_verify(encoded.c_str(), password.data(), password.size()) == 0) return true;
    if (errno == ENOMEM) return errc::overloaded;  // no verdict
    return false;
}

PasswordHashing checked(PasswordHashing settings) {
    if (settings.threads == 0 || settings.passes < crypto_pwhash_argon2id_opslimit_min() ||
        settings.memory_bytes < crypto_pwhash_argon2id_memlimit_min()) {
        throw std::invalid_argument("password hashing needs a thread, a pass and 8 KiB at least");
    }
    if (sodium_init() < 0) throw std::runtime_error("libsodium cannot be initialised");
    return settings;
}

std::string dummy_hash(const PasswordHashing& settings) {
    std::string nobodys(32, '\0');
    base::random_bytes(nobodys.data(), nobodys.size());
    auto hash = encode(nobodys, settings);
    if (!hash) throw std::invalid_argument("argon2id does not take these parameters, or memory is short");
    return std::move(*hash);
}

}  // namespace

PasswordHasher::PasswordHasher(PasswordHashing settings)
    : settings_{checked(settings)}, dummy_{dummy_hash(settings)}, threads_{settings.threads, settings.queue_max} {}

loop::Task<base::Result<std::string>> PasswordHasher::hash(std::string password) {
    const auto secret = std::make_shared<const Secret>(password);
    wipe(password);
    std::function<void(loop::Resume<HashResult>)> start = [this, secret](loop::Resume<HashResult> resume) {
        const bool queued = threads_.try_post([this, secret, resume] { resume(encode(secret->text(), settings_)); });
        if (!queued) resume(errc::overloaded);
    };
    co_return co_await loop::suspend<HashResult>(start);
}

loop::Task<base::Result<bool>> PasswordHasher::matches(std::string encoded, std::string password) {
    const auto secret = std::make_shared<const Secret>(password);
    wipe(password);
    std::function<void(loop::Resume<MatchResult>)> start = [this, secret, encoded](loop::Resume<MatchResult> resume) {
        const bool queued = threads_.try_post([secret, encoded, resume] { resume(check(encoded, secret->text())); });
        if (!queued) resume(errc::overloaded);
    };
    co_return co_await loop::suspend<MatchResult>(start);
}

bool PasswordHasher::is_outdated(const std::string& encoded) const {
    return crypto_pwhash_str_needs_rehash(encoded.c_str(), settings_.passes, settings_.memory_bytes) != 0;
}

}  // namespace carillon::auth
