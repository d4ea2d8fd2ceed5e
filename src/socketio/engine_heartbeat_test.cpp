// Pings, pongs and deadlines, to the millisecond: clients give up on a server whose ping is late.
#include "socketio/server_fixture.hpp"

namespace carillon::socketio {
namespace {

class Heartbeat : public ServerFixture {};

TEST_F(Heartbeat, PingsEveryIntervalFromTheHandshakeAndThenFromThePong) {
    FakeLink link;
    auto& session = joined(link);
    advance(ms{24'999});
    EXPECT_TRUE(link.sent.empty());
    advance(ms{1});
    EXPECT_EQ(link.take(), std::vector<std::string>{"2"});
    advance(ms{7'000});
    text(session, link, "3");
    advance(ms{24'999});
    EXPECT_TRUE(link.sent.empty());
    advance(ms{1});
    EXPECT_EQ(link.take(), std::vector<std::string>{"2"});
}

TEST_F(Heartbeat, PingsABusyConnectionToo) {
    FakeLink link;
    auto& session = joined(link);
    for (int i = 0; i < 25; ++i) {
        advance(ms{1'000});
        text(session, link, "42[\"busy\"]");
        text(session, link, "3");
        if (i < 24) {
            EXPECT_TRUE(link.take().empty());
        }
    }
    EXPECT_EQ(link.take(), std::vector<std::string>{"2"});
}

class ShortInterval : public ServerFixture {
 protected:
    ServerConfig make_config() const override {
        ServerConfig config;
        config.ping_interval = ms{300};
        config.ping_timeout = ms{700};
        return config;
    }
};

TEST_F(ShortInterval, PingsOnTimeThoughTheTimeoutIsLonger) {
    FakeLink link;
    auto& session = joined(link);
    for (int i = 0; i < 5; ++i) {
        advance(ms{300});
        EXPECT_EQ(link.take(), std::vector<std::string>{"2"}) << i;
        text(session, link, "3");
    }
    advance(ms{999});
    EXPECT_FALSE(link.closed);
    advance(ms{1});
    EXPECT_TRUE(link.closed);
}

TEST_F(Heartbeat, ClosesWithoutAPong) {
    FakeLink link;
    joined(link);
    advance(ms{44'999});
    EXPECT_FALSE(link.closed);
    advance(ms{1});
    EXPECT_TRUE(link.closed);
    EXPECT_EQ(disconnects, std::vector<std::string>{"ping timeout"});
}

TEST_F(Heartbeat, DataPutsTheDeadlineOffOnce) {
    FakeLink link;
    auto& session = joined(link);
    advance(ms{25'000 + 15'000});
    text(session, link, "42[\"upload\"]");
    advance(ms{10'000});
    text(session, link, "42[\"upload\"]");
    EXPECT_TRUE(session.open());
    advance(ms{9'999});
    EXPECT_FALSE(link.closed);
    advance(ms{1});
    EXPECT_TRUE(link.closed) << "the second packet does not put it off again";
}

TEST_F(Heartbeat, ManySessionsAreEachPingedOnTime) {
    std::vector<std::unique_ptr<FakeLink>> links;
    for (int i = 0; i < 200; ++i) {
        joined(*links.emplace_back(std::make_unique<FakeLink>()));
        advance(ms{10});
    }
    advance(ms{25'000 - 2'000});
    EXPECT_EQ(links[0]->sent.size(), 1U);
    EXPECT_EQ(links[1]->sent.size(), 0U);
    advance(ms{1'990});
    for (const auto& link : links) EXPECT_EQ(link->sent, std::vector<std::string>{"2"});
}

/// What a client sends and what it has been sent by then, at times counted from its handshake.
struct Moment {
    int at_ms;
    std::string_view in;   ///< one packet; empty: nothing
    std::string_view out;  ///< packets since the moment before, each with a blank behind it; `end` when it was closed
};

struct Timeline {
    std::string_view name;
    int interval_ms;
    int timeout_ms;
    std::vector<Moment> moments;
};

class Timelines : public ServerFixture, public ::testing::WithParamInterface<Timeline> {
 protected:
    ServerConfig make_config() const override {
        ServerConfig config;
        config.ping_interval = ms{GetParam().interval_ms};
        config.ping_timeout = ms{GetParam().timeout_ms};
        return config;
    }
    void advance_to(base::SteadyTime start, int at_ms) {
        advance(std::chrono::duration_cast<ms>(start + ms{at_ms} - now()));
    }
};

TEST_P(Timelines, AreKeptOverWebSocket) {
    FakeLink link;
    const auto start = now();
    auto& session = joined(link);
    for (const Moment& moment : GetParam().moments) {
        advance_to(start, moment.at_ms);
        std::string out;
        for (const auto& packet : link.take()) out += packet + " ";
        if (link.closed) out += "end ";
        EXPECT_EQ(out, moment.out) << "at " << moment.at_ms;
        if (!moment.in.empty() && !link.closed) text(session, link, moment.in);
    }
}

TEST_P(Timelines, AreKeptOverPolling) {
    const auto start = now();
    auto& session = open_polling();
    const std::string sid{session.sid()};
    session.post(now(), "40", false);
    polled(session);
    FakeHold hold;
    session.poll(now(), hold);
    for (const Moment& moment : GetParam().moments) {
        advance_to(start, moment.at_ms);
        std::string out;
        if (hold.answers > 0) out = hold.body + " ";
        const bool over = server->find(sid) == nullptr;
        if (over) out = "end ";  // told by the GET, when there is one
        EXPECT_EQ(out, moment.out) << "at " << moment.at_ms;
        if (over) break;
        if (hold.answers > 0) {
            hold = {};
            session.poll(now(), hold);
        }
        if (!moment.in.empty()) {
            EXPECT_EQ(session.post(now(), moment.in, false).status, 200);
        }
        flush();
    }
}

INSTANTIATE_TEST_SUITE_P(
    Heartbeat, Timelines,
    ::testing::Values(
        Timeline{"AnsweredAtOnce",
                 25'000,
                 20'000,
                 {{24'999, "", ""}, {25'000, "3", "2 "}, {49'999, "", ""}, {50'000, "3", "2 "}, {75'000, "3", "2 "}}},
        Timeline{"AnsweredLate",
                 25'000,
                 20'000,
                 {{25'000, "", "2 "}, {44'999, "3", ""}, {69'998, "", ""}, {69'999, "3", "2 "}, {94'999, "", "2 "}}},
        Timeline{"NeverAnswered", 25'000, 20'000, {{25'000, "", "2 "}, {44'999, "", ""}, {45'000, "", "end "}}},
        Timeline{"APongThatNobodyAskedForMovesNothing",
                 25'000,
                 20'000,
                 {{10'000, "3", ""}, {24'999, "3", ""}, {25'000, "3", "2 "}, {25'001, "3", ""}, {50'000, "", "2 "}}},
        Timeline{"DataBeforeThePingMovesNothing",
                 25'000,
                 20'000,
                 {{24'998, "42[\"x\"]", ""}, {24'999, "6", ""}, {25'000, "", "2 "}, {45'000, "", "end "}}},
        Timeline{"DataBehindThePingPutsTheEndOffOnce",
                 25'000,
                 20'000,
                 {{25'000, "", "2 "},
                  {44'999, "42[\"x\"]", ""},
                  {50'000, "42[\"x\"]", ""},
                  {64'998, "", ""},
                  {64'999, "", "end "}}},
        Timeline{
            "DataAndThenThePong",
            25'000,
            20'000,
            {{25'000, "", "2 "}, {30'000, "42[\"x\"]", ""}, {31'000, "3", ""}, {55'999, "", ""}, {56'000, "", "2 "}}},
        Timeline{
            "OfThePublicSuites",
            300,
            200,
            {{299, "", ""}, {300, "3", "2 "}, {600, "3", "2 "}, {900, "", "2 "}, {1'099, "", ""}, {1'100, "", "end "}}},
        Timeline{
            "AnIntervalBelowTheTimeout",
            300,
            700,
            {{300, "", "2 "}, {400, "3", ""}, {699, "", ""}, {700, "", "2 "}, {1'399, "", ""}, {1'400, "", "end "}}},
        Timeline{"TheLeastThereIs",
                 10,
                 10,
                 {{9, "", ""}, {10, "3", "2 "}, {20, "3", "2 "}, {30, "", "2 "}, {40, "", "end "}}}),
    [](const auto& test) { return std::string{test.param.name}; });

TEST_F(Heartbeat, IsDueToTheNanosecond) {
    FakeLink link;
    const auto handshake = now() + std::chrono::nanoseconds{123'456};
    auto& session = server->open_websocket(handshake, Handshake{}, link);
    text(session, link, "40");
    link.take();
    const auto due = handshake + ms{25'000};
    EXPECT_EQ(server->next_deadline(), due);
    server->on_time(due - std::chrono::nanoseconds{1});
    flush();
    EXPECT_TRUE(link.sent.empty());
    server->on_time(due);
    flush();
    EXPECT_EQ(link.take(), std::vector<std::string>{"2"});
    EXPECT_EQ(server->next_deadline(), due + ms{20'000});
}

// A loop that wakes up late: small delays are not handed on, after a long one the client has its full time to answer.
TEST_F(Heartbeat, ALateWakeUpMovesTheNextDeadlineOnlyWhenItWasLong) {
    struct Row {
        ms interval, timeout, late, moved;
    };
    const Row rows[] = {
        {ms{25'000}, ms{20'000}, ms{0}, ms{0}},
        {ms{25'000}, ms{20'000}, ms{10}, ms{0}},
        {ms{25'000}, ms{20'000}, ms{50}, ms{0}},
        {ms{25'000}, ms{20'000}, ms{51}, ms{51}},
        {ms{25'000}, ms{20'000}, ms{9'000}, ms{9'000}},
        {ms{300}, ms{200}, ms{50}, ms{0}},
        {ms{100}, ms{100}, ms{26}, ms{26}},
        {ms{300}, ms{200}, ms{1'000}, ms{1'000}},
    };
    for (const Row& row : rows) {
        ServerConfig config;
        config.ping_interval = row.interval;
        config.ping_timeout = row.timeout;
        config.connect_timeout = std::chrono::hours{1};
        Server late{config};
        FakeLink link;
        const auto due = now() + row.interval;
        late.open_websocket(now(), Handshake{}, link);
        late.flush(now());
        late.on_time(due + row.late);
        late.flush(due + row.late);
        EXPECT_EQ(link.sent.back(), "2");
        EXPECT_EQ(late.next_deadline(), due + row.timeout + row.moved) << row.late.count() << " ms late";
    }
}

// Whoever never fetches its pings is gone on time too: the deadline runs from when the ping was due.
TEST_F(Heartbeat, RunsThoughNobodyFetchesThePing) {
    auto& session = open_polling();
    const std::string sid{session.sid()};
    advance(ms{44'999});
    EXPECT_EQ(polled(session), "2");
    advance(ms{1});
    EXPECT_EQ(server->find(sid), nullptr);
    EXPECT_EQ(observer.ended, std::vector<std::string>{"ping timeout"});
}

}  // namespace
}  // namespace carillon::socketio
