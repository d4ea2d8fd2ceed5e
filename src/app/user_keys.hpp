#pragma once

#include <memory>
#include <string>

#include "app/serve_config.hpp"
#include "token/token.hpp"

namespace carillon::app {

/// The content of a key file: at most 256 KB, not empty. Throws StartupError that names the option.
std::string read_key_file(const char* option, const std::string& path);

/// What whoever issues user tokens has.
struct IssuingKeys {
    token::UserTokenSigner signer;
    std::unique_ptr<token::UserTokenVerifier> verifier;
    std::string public_keys;  ///< a JWK Set; without keys when the tokens are signed with a secret
};

/// From `--jwt-private-key`, or else from the secret. The first private key signs; what any of them signed is accepted,
/// and all are published. Throws StartupError that names the option.
IssuingKeys issuing_keys(const ServeConfig& config, const std::string& secret);

/// The signer alone: what `carillon token` needs.
token::UserTokenSigner token_signer(const ServeConfig& config, const std::string& secret);

}  // namespace carillon::app
