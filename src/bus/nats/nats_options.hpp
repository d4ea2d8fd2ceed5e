#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace carillon::bus {

/// How a stream is made when it is missing. One that exists is used as it is.
struct StreamLimits {
    std::chrono::milliseconds age_max{std::chrono::hours{30 * 24}};
    std::int64_t bytes_max = 1'024LL * 1'024 * 1'024;
    std::int32_t replicas = 1;
};

/// The streams of the contract.
enum class StreamName { user_event, notification_event, token_event, dead_letter };

struct NatsOptions {
    std::vector<std::string> urls{"nats://127.0.0.1:4222"};  ///< tried in turn; may hold user and password, or a token
    std::string client_name = "carillon";                    ///< shown by NATS's monitoring
    std::string credentials_file;                            ///< of a decentralised JWT account; may be empty
    std::string tls_ca_file;  ///< PEM; any of these three turns TLS on, as a tls:// URL does
    std::string tls_certificate_file;
    std::string tls_key_file;

    /// Made at start, and again when they vanish. Those that a publish, a consumer or a follower needs are added.
    std::vector<StreamName> streams;
    StreamLimits user_events;
    StreamLimits notification_events{std::chrono::hours{24}};
    StreamLimits token_events{std::chrono::hours{30 * 24}, 64LL * 1'024 * 1'024};
    StreamLimits dead_letters;

    std::chrono::milliseconds node_ttl{10'000};  ///< after so much silence a node is forgotten
    std::int32_t node_replicas = 1;              ///< of the bucket of nodes, when it is made

    std::size_t in_flight_max = 4'096;                 ///< publishes that wait for an acknowledgement
    std::chrono::milliseconds publish_timeout{5'000};  ///< then it counts as not published
    std::uint32_t deliveries_max = 2'000;              ///< of one message to one durable name, then dead-lettered
    std::chrono::milliseconds retry_pause_min{50};     ///< after the first failure; doubles each time
    std::chrono::milliseconds retry_pause_max{5'000};
    std::chrono::milliseconds ack_wait{30'000};         ///< after a consumer's silence the message goes to another
    std::chrono::milliseconds handler_timeout{30'000};  ///< a handler that has not answered by then counts as retry
    std::size_t handlers_max = 64;                      ///< of one consumer at once
    std::chrono::milliseconds heartbeat{1'000};         ///< of a follower's stream; three missed: it subscribes anew
    std::size_t follower_messages_max = 65'536;  ///< that wait for one follower; above, the server holds them back
    std::size_t follower_bytes_max = 64 * 1024 * 1024;
    std::chrono::milliseconds reconnect_pause_min{50};
    std::chrono::milliseconds reconnect_pause_max{2'000};
    std::chrono::milliseconds check_interval{5'000};   ///< between looks at the streams and consumers
    std::chrono::milliseconds request_timeout{5'000};  ///< of one question to JetStream
    /// How long the first `follow` may wait until it is there. After that it goes on alone, and reports a gap.
    std::chrono::milliseconds subscribe_wait{3'000};
};

}  // namespace carillon::bus
