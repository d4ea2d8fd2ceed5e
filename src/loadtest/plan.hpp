#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace carillon::loadtest {

enum class Scenario : std::uint8_t {
    connect,  ///< connections at a rate, then idle
    push,     ///< notifications at a rate, to every tab
    read,     ///< notifications marked as read, at the allowed rate
    churn,    ///< pushes while clients come and go
    mixed,    ///< all of it, gently: what a day looks like
    storm,    ///< all clients lose their connection at once
};

std::string_view to_string(Scenario scenario);
std::optional<Scenario> parse_scenario(std::string_view name);

/// Who the clients are: a token for each user, minted here or given.
struct TokenPlan {
    std::string jwt_secret;  ///< HS256; empty when `given` has the tokens
    std::string issuer = "carillon";
    std::string audience = "carillon";
    std::vector<std::string> given;  ///< one user each; the user is the token's `sub`
};

/// Where notifications are made.
struct SourcePlan {
    enum class Kind : std::uint8_t {
        gateway,  ///< `POST /notifications` of the public REST API
        service,  ///< `POST /notification` of the notification service
        nats,     ///< `notification.created` straight onto JetStream
    };
    Kind kind = Kind::gateway;
    std::string url;           ///< of the service or of NATS; the gateway's is the clients' own
    std::string create_token;  ///< for the gateway; empty: minted
    std::string internal_secret;
    std::string internal_issuer;    ///< empty: Carillon's
    std::string internal_audience;  ///< empty: Carillon's
    std::string subject = "notification.created";
    bool with_count = true;        ///< events on NATS carry `unreadCount` and `version`
    std::size_t callers = 32;      ///< HTTP requests at once
    std::size_t window = 1'000;    ///< events on NATS without their acknowledgement
    std::size_t body_bytes = 100;  ///< of the notification's text: frames of about 300 bytes
};

/// What must hold; nullopt: not asked for. Percentages from 0 to 100.
struct Thresholds {
    std::optional<double> min_connect_success = 100;
    std::optional<double> min_delivery_rate = 100;
    std::optional<std::uint64_t> max_duplicates = 0;
    std::optional<double> max_p50_ms;
    std::optional<double> max_p99_ms;
    std::optional<double> max_p999_ms;
    std::optional<double> max_connect_p99_ms;
    std::optional<double> max_ack_p99_ms;
    std::optional<double> max_back_ms;  ///< storm: until all are back and current
};

/// A process whose CPU and memory are watched.
struct WatchedProcess {
    std::string name;
    int pid = 0;
};

inline constexpr std::size_t kTabsMax = 4'096;

/// Everything one run is told.
struct Plan {
    Scenario scenario = Scenario::mixed;
    std::vector<std::string> urls{"http://127.0.0.1:3000"};  ///< gateways; clients are spread over them
    std::string path = "/socket.io/";
    std::string nsp = "/";
    std::size_t users = 25;
    std::size_t tabs = 2;  ///< sockets of each user, at most kTabsMax
    std::chrono::milliseconds duration{15'000};
    double rate = 50;           ///< notifications (read: marks; connect: connections) a second; 0: as fast as it goes
    std::uint64_t events = 0;   ///< stop after so many notifications (read: marks); 0: after `duration`
    bool hold = false;          ///< push: the first of `processes` is stopped until all `events` are made
    double connect_rate = 500;  ///< connections a second; 0: as fast as it goes
    std::size_t connecting = 500;  ///< handshakes at once
    std::chrono::milliseconds connect_timeout{30'000};
    double message_rate = 8;                  ///< messages a second and user, at most: gateways limit them
    std::size_t marking = 64;                 ///< read without a rate: marks without their ack, at most
    double churn_rate = 0.05;                 ///< share of the clients that leaves, a second
    double read_share = 0.3;                  ///< mixed: of the notifications, marked as read
    std::size_t source_addresses = 0;         ///< 0: one for each 5,000 clients
    std::chrono::milliseconds grace{10'000};  ///< for what is still on its way at the end
    std::optional<bool> sync;                 ///< whether `notification:sync` is used; nullopt: if the gateway has it
    std::string standby_url;                  ///< a gateway for clients whose own does not let them in
    int freeze_pid = 0;                       ///< push: a process that stands still meanwhile; 0: none
    int kill_pid = 0;                         ///< storm: the gateway to kill; 0: the connections break instead
    TokenPlan tokens;
    SourcePlan source;
    std::vector<WatchedProcess> processes;
    std::string metrics_url;
    Thresholds thresholds;
    bool ignore_own_cpu = false;  ///< a run is not void because this generator was busy

    std::size_t clients() const { return users * tabs; }
};

}  // namespace carillon::loadtest
