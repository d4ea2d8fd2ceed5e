#include <CLI/CLI.hpp>
#include <iostream>

#include "app/data_dir.hpp"
#include "app/user_keys.hpp"
#include "base/clock.hpp"
#include "cli/commands.hpp"
#include "cli/process_options.hpp"
#include "token/token.hpp"

namespace carillon::cli {
namespace {

struct TokenOptions {
    std::string user;
    std::vector<std::string> permissions{std::string{token::permission::kRead},
                                         std::string{token::permission::kUpdate}};
    std::chrono::milliseconds expires_in{std::chrono::hours{1}};
    bool internal = false;
    std::string service = "cli";
    std::string data_dir = "./carillon-data";
    app::ServeConfig keys;  ///< the key flags of it
};

int print_token(const TokenOptions& options) {
    const base::TimePoint now = base::system_clock().now();
    if (options.internal) {
        const std::string secret = options.keys.internal_secret.empty()
                                       ? app::DataDir::open_existing(options.data_dir).key("internal-secret")
                                       : options.keys.internal_secret;
        std::cout << token::InternalTokens{secret}.sign(options.service, now) << std::endl;
        return 0;
    }
    const auto user = base::UserId::parse(options.user);
    if (!user) throw app::StartupError("--user: wants a UUID, not '" + options.user + "'");
    const bool kept = options.keys.jwt_secret.empty() && options.keys.jwt_private_key_files.empty();
    const std::string secret =
        kept ? app::DataDir::open_existing(options.data_dir).key("jwt-secret") : options.keys.jwt_secret;
    const token::UserTokenSigner signer = app::token_signer(options.keys, secret);
    const auto lifetime = std::chrono::ceil<std::chrono::seconds>(options.expires_in);
    std::cout << signer.sign(*user, options.permissions, lifetime, now) << std::endl;
    return 0;
}

}  // namespace

Command token_command() {
    auto options = std::make_unique<CLI::App>("Print a token made with the given keys, or those in --data-dir");
    auto values = std::make_shared<TokenOptions>();
    add_config_option(*options);
    auto* user = options->add_option("--user", values->user, "User the token is for")->type_name("UUID");
    options->add_option("--permission", values->permissions, "What it permits; repeatable")
        ->expected(1, 64)
        ->capture_default_str();
    add_duration(*options, "--expires-in", values->expires_in, "Lifetime", std::chrono::milliseconds{0});
    auto* internal = options->add_flag("--internal", values->internal, "A service's token instead, good for a minute");
    options->add_option("--service", values->service, "Name of the service, with --internal")->capture_default_str();
    options->add_option("--data-dir", values->data_dir, "Where `carillon serve` keeps its keys")->capture_default_str();
    options->add_option("--jwt-secret", values->keys.jwt_secret, "Secret of the user tokens");
    add_private_keys(*options, values->keys.jwt_private_key_files);
    options->add_option("--jwt-issuer", values->keys.jwt_issuer, "iss of the token")->capture_default_str();
    options->add_option("--jwt-audience", values->keys.jwt_audience, "aud of the token")->capture_default_str();
    options->add_option("--internal-secret", values->keys.internal_secret, "Secret of the services' tokens");
    return {std::move(options), [values, user, internal] {
                if (user->count() == 0 && internal->count() == 0) {
                    throw app::StartupError("token: wants --user UUID or --internal");
                }
                return print_token(*values);
            }};
}

}  // namespace carillon::cli
