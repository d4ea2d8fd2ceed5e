#include <gtest/gtest.h>

#include "bus/nats/ack_subject.hpp"
#include "bus/nats/link.hpp"
#include "bus/nats/publish_ack.hpp"
#include "bus/nats/stream_position.hpp"
#include "bus/nats/streams.hpp"

namespace carillon::bus {
namespace {

TEST(AckSubject, ReadsBothForms) {
    const auto old = parse_ack_subject("$JS.ACK.USER_EVENT.notification-service.3.42.41.1700000000000000000.7");
    ASSERT_TRUE(old);
    EXPECT_EQ(old->stream, "USER_EVENT");
    EXPECT_EQ(old->deliveries, 3u);
    EXPECT_EQ(old->stream_sequence, 42u);
    EXPECT_EQ(old->consumer_sequence, 41u);
    const auto newer = parse_ack_subject("$JS.ACK.hub.ACCHASH.USER_EVENT.c.1.18446744073709551615.2.1700.0.tok");
    ASSERT_TRUE(newer);
    EXPECT_EQ(newer->stream, "USER_EVENT");
    EXPECT_EQ(newer->deliveries, 1u);
    EXPECT_EQ(newer->stream_sequence, 18446744073709551615u);
    EXPECT_EQ(newer->consumer_sequence, 2u);
}

TEST(AckSubject, RefusesEverythingElse) {
    for (const auto* bad : {"", "$JS.ACK.", "$JS.FC.USER_EVENT.c.1", "$JS.ACK.a.b.c", "$JS.ACK.S.c.x.1.1.1.1",
                            "$JS.ACK.S.c.1.1.1.1", "$JS.ACK.S.c.1.99999999999999999999.1.1.1", "_INBOX.a"}) {
        EXPECT_FALSE(parse_ack_subject(bad)) << bad;
    }
}

TEST(PublishAck, TellsStoredFromRefused) {
    const auto stored = parse_publish_ack(R"({"stream":"USER_EVENT", "seq":12})");
    EXPECT_TRUE(stored.stored);
    EXPECT_EQ(stored.sequence, 12u);
    EXPECT_FALSE(stored.duplicate);
    EXPECT_TRUE(parse_publish_ack(R"({"stream":"USER_EVENT","seq":12,"duplicate":true})").duplicate);
    const auto refused = parse_publish_ack(R"({"error":{"code":503,"err_code":10077,"description":"no space"}})");
    EXPECT_FALSE(refused.stored);
    EXPECT_EQ(refused.error_code, 10077);
    EXPECT_EQ(refused.error, "no space");
    for (const auto* odd : {"", "+OK", "[]", "{}", R"({"seq":"x"})", R"({"seq":-1})", R"({"error":{}})"}) {
        const auto ack = parse_publish_ack(odd);
        EXPECT_FALSE(ack.stored) << odd;
        EXPECT_FALSE(ack.error.empty()) << odd;
    }
}

struct PositionCase {
    const char* what;
    std::optional<StreamPosition> before;
    StreamState now;
    std::uint64_t first;
    bool gap;
};

TEST(StreamPosition, DecidesWhereToGoOn) {
    const PositionCase cases[] = {
        {"new, on an empty stream", {}, {1, 0, 0}, 1, false},
        {"new, behind what is there", {}, {1, 5, 9}, 10, false},
        {"back, nothing has come", {{1, 9}}, {1, 5, 9}, 10, false},
        {"back, three have come", {{1, 9}}, {1, 5, 12}, 10, false},
        {"back, all was removed that it had seen", {{1, 9}}, {1, 10, 12}, 10, false},
        {"back, one was removed that it had not seen", {{1, 9}}, {1, 11, 12}, 10, true},
        {"back, the stream is empty now", {{1, 9}}, {1, 10, 9}, 10, false},
        {"another stream", {{1, 9}}, {2, 1, 3}, 1, true},
        {"another stream that is longer", {{1, 9}}, {2, 1, 30}, 1, true},
        {"a regression", {{1, 9}}, {1, 1, 4}, 5, true},
    };
    for (const auto& c : cases) {
        const auto resume = resume_from(c.before, c.now);
        EXPECT_EQ(resume.first_sequence, c.first) << c.what;
        EXPECT_EQ(resume.gap, c.gap) << c.what;
    }
}

TEST(Streams, FindsTheStreamOfASubject) {
    EXPECT_EQ(stream_of("user.registered"), StreamName::user_event);
    EXPECT_EQ(stream_of("notification.updated"), StreamName::notification_event);
    EXPECT_EQ(stream_of("dead.user.registered"), StreamName::dead_letter);
    EXPECT_FALSE(stream_of("other"));
}

TEST(Streams, NamesEveryDifferenceOfSettings) {
    const NatsOptions options;
    const auto wanted = wanted_settings(StreamName::notification_event, options);
    EXPECT_EQ(describe_difference(wanted, wanted), "");
    auto has = wanted;
    has.subjects = {"notification.>"};
    has.age_max = std::chrono::minutes{90};
    has.bytes_max = 10;
    has.replicas = 3;
    has.file_storage = has.discard_old = has.keeps_until_limits = false;
    EXPECT_EQ(
        describe_difference(has, wanted),
        "subject notification.created is not listed by itself; subject notification.updated is not listed by itself; "
        "max_age is 1.5h, not 24h; max_bytes is 10, not 1073741824; replicas is 3, not 1; storage is memory, not "
        "file; discard is new, not old; retention is not limits");
}

TEST(Link, TellsUrlsWithoutCredentials) {
    EXPECT_EQ(without_credentials("nats://a:4222"), "nats://a:4222");
    EXPECT_EQ(without_credentials("nats://me:se@cret@a:4222"), "nats://a:4222");
    EXPECT_EQ(without_credentials("tls://token@a"), "tls://a");
    EXPECT_EQ(without_credentials("me:secret@a:4222"), "a:4222");
}

}  // namespace
}  // namespace carillon::bus
