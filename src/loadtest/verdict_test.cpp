#include "loadtest/verdict.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "loadtest/report.hpp"

namespace carillon::loadtest {
namespace {

using namespace std::chrono_literals;

struct Attempt {
    Plan plan;
    Result result;
};

/// A run in which all went well.
struct VerdictTest : testing::Test {
    VerdictTest() {
        plan.scenario = Scenario::push;
        plan.processes.push_back({"gateway", 1});
        result.run = "00000000000000ff";
        result.clients = 50;
        result.clients_connected = 50;
        result.connect_seconds = 0.1;
        result.created = 100;
        result.deliveries.sent = 100;
        result.deliveries.owed = 200;
        result.deliveries.delivered = 200;
        result.delivery_seconds = 2;
        for (int i = 1; i <= 200; ++i) {
            result.latency.add(std::chrono::microseconds{i * 10});
            result.create_latency.add(1ms);
            result.connect_latency.add(2ms);
        }
        result.server_names = {"gateway"};
        result.memory_before_kb = {10'000};
        for (const char* const name : {"connect", "run"}) {
            Phase phase;
            phase.name = name;
            phase.seconds = 2;
            phase.own_cpu_seconds = 0.2;
            phase.servers = {{0.5, 10'400, true}};
            result.phases.push_back(phase);
        }
        Sample sample;
        sample.at_seconds = 1;
        sample.seconds = 1;
        sample.connected = 50;
        sample.created = 50;
        sample.delivered = 100;
        sample.latency = result.latency.summary();
        sample.servers = {{0.25, 10'400, true}};
        result.samples = {sample, sample};
        result.samples[1].at_seconds = 2;
    }
    Verdict verdict() const { return judge(plan, result); }

    Plan plan;
    Result result;
};

TEST_F(VerdictTest, PassesWhenNothingIsMissed) {
    EXPECT_EQ(verdict().outcome, Outcome::passed);
    EXPECT_EQ(verdict().exit_code(), 0);
}

TEST_F(VerdictTest, NamesTheThresholdThatIsMissed) {
    plan.thresholds.max_p99_ms = 1.5;
    const auto missed = verdict();
    EXPECT_EQ(missed.exit_code(), 1);
    EXPECT_NE(missed.reason.find("delivery p99"), std::string::npos) << missed.reason;
    plan.thresholds.max_p99_ms = 2.5;
    EXPECT_EQ(verdict().exit_code(), 0);
}

TEST_F(VerdictTest, EachKindOfFailureFails) {
    const auto fails = [this](auto change) {
        Attempt other{plan, result};
        change(other);
        return judge(other.plan, other.result).exit_code() == 1;
    };
    EXPECT_TRUE(fails([](auto& run) { --run.result.deliveries.delivered; }));
    EXPECT_TRUE(fails([](auto& run) { run.result.deliveries.duplicated = 1; }));
    EXPECT_TRUE(fails([](auto& run) { run.result.deliveries.wrong_user = 1; }));
    EXPECT_TRUE(fails([](auto& run) { run.result.clients_connected = 49; }));
    EXPECT_TRUE(fails([](auto& run) { run.result.create_failures["HTTP 503"] = 1; }));
    EXPECT_TRUE(fails([](auto& run) { run.result.created = 0; }));
    EXPECT_TRUE(fails([](auto& run) { run.result.stopped_by = "NATS: gone"; }));
    EXPECT_TRUE(fails([](auto& run) {
        run.plan.scenario = Scenario::read;
        run.result.reads.sent = 2;
        run.result.reads.acked = 1;
    }));
    EXPECT_TRUE(fails([](auto& run) {
        run.plan.scenario = Scenario::storm;
        run.result.storm = StormResult{50, 49, std::nullopt, std::nullopt, {}};
    }));
    EXPECT_FALSE(fails([](auto&) {}));
}

TEST_F(VerdictTest, ThresholdsCanBeRelaxed) {
    result.deliveries.delivered = 190;
    result.clients_connected = 49;
    EXPECT_EQ(verdict().exit_code(), 1);
    plan.thresholds.min_delivery_rate = 95;
    plan.thresholds.min_connect_success = 90;
    EXPECT_EQ(verdict().exit_code(), 0);
}

TEST_F(VerdictTest, ABusyGeneratorMakesTheRunVoid) {
    result.phases[1].own_cpu_seconds = 1.5;
    EXPECT_EQ(verdict().outcome, Outcome::overloaded);
    EXPECT_EQ(verdict().exit_code(), 3);
    EXPECT_NE(verdict().reason.find("75 %"), std::string::npos) << verdict().reason;
    plan.ignore_own_cpu = true;
    EXPECT_EQ(verdict().exit_code(), 0);
}

TEST_F(VerdictTest, AnInterruptedRunIsJudgedByWhatItHas) {
    result.interrupted = true;
    EXPECT_EQ(verdict().exit_code(), 130);
    result.deliveries.duplicated = 1;
    EXPECT_EQ(verdict().exit_code(), 1);
}

TEST_F(VerdictTest, TheJsonSaysWhatWasMeasured) {
    const auto decided = verdict();
    const auto text = report_json({plan, result, decided, {"CPU \"9\"", 2, 4'096, "Linux"}});
    const auto json = boost::json::parse(text);
    EXPECT_EQ(json.at("schema").as_string(), "carillon-loadtest/1");
    EXPECT_EQ(json.at("verdict").as_string(), "passed");
    EXPECT_EQ(json.at("connections").at("connected").to_number<int>(), 50);
    EXPECT_EQ(json.at("notifications").at("delivered").to_number<int>(), 200);
    EXPECT_EQ(json.at("notifications").at("lost").to_number<int>(), 0);
    EXPECT_DOUBLE_EQ(json.at("notifications").at("deliveriesPerSecond").to_number<double>(), 100);
    EXPECT_DOUBLE_EQ(json.at("notifications").at("deliveriesPerServerCpuSecond").to_number<double>(), 400);
    EXPECT_NEAR(json.at("notifications").at("latencyMs").at("p50").to_number<double>(), 1.0, 0.01);
    EXPECT_DOUBLE_EQ(json.at("memory").at(0).at("kbPerConnection").to_number<double>(), 8);
    EXPECT_EQ(json.at("samples").as_array().size(), 2U);
    EXPECT_EQ(json.at("machine").at("cpu").as_string(), "CPU \"9\"");
    EXPECT_TRUE(json.at("storm").is_null());
}

TEST_F(VerdictTest, TheTableSaysWhatWasMissed) {
    result.deliveries.delivered = 199;
    const auto decided = verdict();
    const auto text = report_text({plan, result, decided, {}});
    EXPECT_NE(text.find("199 of 200"), std::string::npos) << text;
    EXPECT_NE(text.find("1 lost"), std::string::npos) << text;
    EXPECT_NE(text.find("MISSED delivery rate"), std::string::npos) << text;
    EXPECT_NE(text.find("failed: missed: delivery rate 99.5 %"), std::string::npos) << text;
}

TEST_F(VerdictTest, TheProgressLineShowsServerAndGenerator) {
    const auto line = progress_line(result.samples[0], plan, result.server_names, 3);
    EXPECT_NE(line.find("50/50 connected"), std::string::npos) << line;
    EXPECT_NE(line.find("100/s delivered"), std::string::npos) << line;
    EXPECT_NE(line.find("gateway 25 %"), std::string::npos) << line;
    EXPECT_NE(line.find("me 0 %"), std::string::npos) << line;
}

}  // namespace
}  // namespace carillon::loadtest
