#include "app/user_keys.hpp"

#include <fstream>
#include <stdexcept>
#include <vector>

#include "app/data_dir.hpp"
#include "app/service_parts.hpp"

namespace carillon::app {
namespace {

constexpr const char* kOption = "--jwt-private-key";
constexpr std::size_t kKeyFileBytesMax = 256 * 1024;

std::vector<std::string> private_keys(const ServeConfig& config) {
    std::vector<std::string> pems;
    for (const auto& path : config.jwt_private_key_files) pems.push_back(read_key_file(kOption, path));
    return pems;
}

template <class Make>
auto naming_the_option(Make make) {
    try {
        return make();
    } catch (const std::invalid_argument& error) {
        throw StartupError(std::string{kOption} + ": " + error.what());
    }
}

}  // namespace

std::string read_key_file(const char* option, const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    std::string content(kKeyFileBytesMax + 1, '\0');
    file.read(content.data(), static_cast<std::streamsize>(content.size()));
    content.resize(static_cast<std::size_t>(file.gcount()));
    if (content.empty()) throw StartupError(std::string{option} + ": cannot read " + path);
    if (content.size() > kKeyFileBytesMax) throw StartupError(std::string{option} + ": more than 256 KB in " + path);
    return content;
}

IssuingKeys issuing_keys(const ServeConfig& config, const std::string& secret) {
    const auto pems = private_keys(config);
    if (pems.empty()) {
        return {token::UserTokenSigner{secret, config.jwt_issuer, config.jwt_audience},
                token::make_secret_verifier(secret, token_config(config)), R"({"keys":[]})"};
    }
    return naming_the_option([&] {
        const std::string set = token::public_jwk_set(pems);
        return IssuingKeys{
            token::UserTokenSigner::with_private_key(pems.front(), config.jwt_issuer, config.jwt_audience),
            token::make_jwks_verifier(set, token_config(config)), set};
    });
}

token::UserTokenSigner token_signer(const ServeConfig& config, const std::string& secret) {
    const auto pems = private_keys(config);
    if (pems.empty()) return {secret, config.jwt_issuer, config.jwt_audience};
    return naming_the_option(
        [&] { return token::UserTokenSigner::with_private_key(pems.front(), config.jwt_issuer, config.jwt_audience); });
}

}  // namespace carillon::app
