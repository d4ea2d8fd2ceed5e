#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <iostream>

#include "app/data_dir.hpp"
#include "base/clock.hpp"
#include "cli/commands.hpp"
#include "contracts/problem.hpp"
#include "contracts/rest_bodies.hpp"
#include "http/client.hpp"
#include "http/client_connection.hpp"
#include "token/token.hpp"

namespace carillon::cli {
namespace {

constexpr std::chrono::seconds kTimeout{15};

struct SendOptions {
    std::string user;
    std::string type;
    std::string title;
    std::string body;
    std::string url = "http://127.0.0.1:3000";
    std::string ca_file;
    std::string token;
    std::string data_dir = "./carillon-data";
    std::string jwt_secret;
    std::string jwt_issuer = "carillon";
    std::string jwt_audience = "carillon";
};

// The token given, or one made for this call with the installation's own key.
std::string token_for(const SendOptions& options) {
    if (!options.token.empty()) return options.token;
    const std::string secret = options.jwt_secret.empty()
                                   ? app::DataDir::open_existing(options.data_dir).key("jwt-secret")
                                   : options.jwt_secret;
    const auto now = base::system_clock().now();
    const token::UserTokenSigner signer{secret, options.jwt_issuer, options.jwt_audience};
    return signer.sign(base::UserId::generate(base::system_clock()), {std::string{token::permission::kCreate}},
                       std::chrono::seconds{60}, now);
}

loop::Task<void> post(std::string url, http::Headers headers, std::string body, std::string ca_file,
                      std::optional<base::Result<http::Response>>& answer) {
    answer = co_await http::request_once(std::move(url), http::Method::post, std::move(headers), std::move(body),
                                         kTimeout, std::move(ca_file));
}

void check_ca(const std::string& file) {
    try {
        http::make_tls_context(file);
    } catch (const std::invalid_argument& error) {
        throw app::StartupError(std::string{"--ca: "} + error.what());
    }
}

int fail(const std::string& message) {
    std::cerr << "carillon send: " << message << '\n';
    return 1;
}

int send(const SendOptions& options) {
    const auto user = base::UserId::parse(options.user);
    if (!user) throw app::StartupError("--user: wants a UUID, not '" + options.user + "'");
    const auto parsed = http::parse_endpoint(options.url);
    if (!parsed) throw app::StartupError("--url: wants an http:// or https:// URL, not '" + options.url + "'");
    if (!options.ca_file.empty()) check_ca(options.ca_file);
    contracts::CreateNotification wanted{*user, options.type, options.title, {}, {}};
    if (!options.body.empty()) wanted.body = options.body;

    http::Headers headers;
    headers.set("Content-Type", "application/json");
    headers.set("Authorization", "Bearer " + token_for(options));
    std::string url = options.url;
    while (url.ends_with('/')) url.pop_back();

    std::optional<base::Result<http::Response>> answer;
    boost::asio::io_context loop;
    loop::spawn(loop.get_executor(),
                post(url + "/notifications", std::move(headers), contracts::encode_create_notification(wanted),
                     options.ca_file, answer),
                "send");
    loop.run();
    if (!answer || !*answer) {
        const std::string reason = answer ? answer->error().message() : "no answer";
        return fail("no answer from the gateway at " + parsed->authority + ": " + reason +
                    " (is it running? --url names it)");
    }
    const http::Response& response = **answer;
    if (response.status == 201) {
        const auto made = contracts::decode_notification(response.body);
        if (!made) return fail("the gateway answered with what is no notification");
        std::cout << made->id.to_string() << std::endl;
        return 0;
    }
    const auto problem = contracts::decode_problem(response.body);
    if (!problem) return fail("the gateway answered with status " + std::to_string(response.status));
    std::string message = problem->code + ": " + (problem->detail.empty() ? problem->title : problem->detail);
    for (const auto& error : problem->errors) message += "; " + error.path + " " + error.message;
    return fail(message);
}

}  // namespace

Command send_command() {
    auto options = std::make_unique<CLI::App>("Send a notification through a running gateway, and print its id");
    auto values = std::make_shared<SendOptions>();
    add_config_option(*options);
    options->add_option("--user", values->user, "Who gets it")->type_name("UUID")->required();
    options->add_option("--type", values->type, "Its kind, for the app: at most 64 characters")->required();
    options->add_option("--title", values->title, "At most 200 characters")->required();
    options->add_option("--body", values->body, "At most 4,000 characters");
    options->add_option("--url", values->url, "The gateway")->capture_default_str();
    options->add_option("--ca", values->ca_file, "PEM file of the authority of an https --url (default: the system's)");
    options->add_option("--token", values->token,
                        "User token with notification:create (default: made with the key in --data-dir)");
    options->add_option("--data-dir", values->data_dir, "Where `carillon serve` keeps its keys")->capture_default_str();
    options->add_option("--jwt-secret", values->jwt_secret, "Secret to make the token with");
    options->add_option("--jwt-issuer", values->jwt_issuer, "iss of that token")->capture_default_str();
    options->add_option("--jwt-audience", values->jwt_audience, "aud of that token")->capture_default_str();
    return {std::move(options), [values] { return send(*values); }};
}

}  // namespace carillon::cli
