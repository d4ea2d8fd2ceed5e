#include "cli/nats_options.hpp"

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"

namespace carillon::cli {
namespace {

void add_stream(CLI::App& options, const std::string& name, bus::StreamLimits& limits, const std::string& stream) {
    const auto made = " of stream " + stream + ", when it is made";
    add_duration(options, "--" + name + "-age", limits.age_max, "Age" + made);
    options.add_option("--" + name + "-bytes", limits.bytes_max, "Size" + made + "; -1: no limit")
        ->check(CLI::Range{std::int64_t{-1}, std::int64_t{1} << 60})
        ->capture_default_str();
    options.add_option("--" + name + "-replicas", limits.replicas, "Replicas" + made)
        ->check(CLI::Range{1, 5})
        ->capture_default_str();
}

}  // namespace

void add_nats_connection(CLI::App& options, bus::NatsOptions& nats) {
    options.add_option("--nats-url", nats.urls, "NATS servers, nats:// or tls://; several, comma-separated")
        ->expected(1, 64)
        ->delimiter(',');
    options.add_option("--nats-credentials", nats.credentials_file, "Credentials file (.creds) of a NATS account");
    options.add_option("--nats-tls-ca", nats.tls_ca_file, "PEM file of the authority of NATS's certificate");
    options.add_option("--nats-tls-cert", nats.tls_certificate_file, "PEM file of the client certificate");
    options.add_option("--nats-tls-key", nats.tls_key_file, "PEM file of its key");
}

void add_nats(CLI::App& options, bus::NatsOptions& nats) {
    add_nats_connection(options, nats);
    add_stream(options, "notification-event", nats.notification_events, "NOTIFICATION_EVENT");
    add_stream(options, "user-event", nats.user_events, "USER_EVENT");
    add_stream(options, "token-event", nats.token_events, "TOKEN_EVENT");
    add_stream(options, "dead-letter", nats.dead_letters, "DEAD_LETTER");
    options
        .add_option("--nodes-replicas", nats.node_replicas, "Replicas of the bucket CARILLON_NODES, when it is made")
        ->check(CLI::Range{1, 5})
        ->capture_default_str();
}

}  // namespace carillon::cli
