#include <benchmark/benchmark.h>

#include "token/forged_token.hpp"
#include "token/token.hpp"

namespace carillon::token {
namespace {

using namespace std::chrono_literals;

const std::string kSecret(32, 's');
const base::TimePoint kNow{std::chrono::sys_days{std::chrono::year{2026} / 11 / 23}};

std::string user_token() {
    return UserTokenSigner{kSecret, "carillon", "carillon"}.sign(
        base::UserId{base::Uuid::generate_v7(kNow)}, {"notification:read", "notification:update"}, 1h, kNow);
}

// The claims of `user_token`, under another key.
std::string resigned(const ForgingKey& key, const char* algorithm) {
    const std::string token = user_token();
    const auto first = token.find('.') + 1;
    const auto claims = base64url_decode(std::string_view{token}.substr(first, token.rfind('.') - first)).value();
    return key.forge(R"({"alg":")" + std::string{algorithm} + R"(","typ":"at+jwt"})", claims);
}

void verify(benchmark::State& state, const UserTokenVerifier& verifier, const std::string& token) {
    for (auto _ : state) {
        auto claims = verifier.verify(token, kNow);
        if (!claims) return state.SkipWithError("refused");
        benchmark::DoNotOptimize(claims);
    }
    state.SetItemsProcessed(state.iterations());
}

void verify_hs256(benchmark::State& state) {
    verify(state, *make_secret_verifier(kSecret, {}), user_token());
}

void verify_rs256(benchmark::State& state) {
    const auto key = ForgingKey::rsa(2048);
    verify(state, *make_public_key_verifier(key.public_pem(), {}), resigned(key, "RS256"));
}

void verify_es256(benchmark::State& state) {
    const auto key = ForgingKey::ec("prime256v1");
    verify(state, *make_public_key_verifier(key.public_pem(), {}), resigned(key, "ES256"));
}

void verify_eddsa(benchmark::State& state) {
    const auto key = ForgingKey::ed25519();
    verify(state, *make_public_key_verifier(key.public_pem(), {}), resigned(key, "EdDSA"));
}

void verify_internal(benchmark::State& state) {
    const InternalTokens tokens{kSecret};
    const auto token = tokens.sign("gateway", kNow);
    for (auto _ : state) {
        auto service = tokens.verify(token, kNow);
        if (!service) return state.SkipWithError("refused");
        benchmark::DoNotOptimize(service);
    }
    state.SetItemsProcessed(state.iterations());
}

void sign_internal(benchmark::State& state) {
    const InternalTokens tokens{kSecret};
    for (auto _ : state) benchmark::DoNotOptimize(tokens.sign("gateway", kNow));
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(verify_hs256);
BENCHMARK(verify_rs256);
BENCHMARK(verify_es256);
BENCHMARK(verify_eddsa);
BENCHMARK(verify_internal);
BENCHMARK(sign_internal);

}  // namespace
}  // namespace carillon::token
