#include "loadtest/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace carillon::loadtest {
namespace {

class Checks {
 public:
    void at_least(const std::string& name, std::optional<double> wanted, double measured, const char* unit) {
        if (!wanted) return;
        add(name, fmt::format("≥ {:g}{}", *wanted, unit), fmt::format("{:.6g}{}", measured, unit), measured >= *wanted);
    }
    void at_most(const std::string& name, std::optional<double> wanted, double measured, const char* unit) {
        if (!wanted) return;
        add(name, fmt::format("≤ {:g}{}", *wanted, unit), fmt::format("{:.6g}{}", measured, unit), measured <= *wanted);
    }
    void add(const std::string& name, std::string wanted, std::string measured, bool met) {
        all.push_back({name, std::move(wanted), std::move(measured), met});
    }

    std::vector<Check> all;
};

void check_deliveries(const Thresholds& wanted, const Result& result, Checks& checks) {
    checks.at_least("delivery rate", wanted.min_delivery_rate, result.delivery_rate(), " %");
    if (wanted.max_duplicates) {
        const auto duplicates = result.deliveries.duplicated + result.reads.duplicated;
        checks.at_most("duplicates", static_cast<double>(*wanted.max_duplicates), static_cast<double>(duplicates), "");
    }
    checks.at_most("to the wrong user", 0, static_cast<double>(result.deliveries.wrong_user), "");
    const auto latency = result.latency.summary();
    checks.at_most("delivery p50", wanted.max_p50_ms, latency.p50, " ms");
    checks.at_most("delivery p99", wanted.max_p99_ms, latency.p99, " ms");
    checks.at_most("delivery p99.9", wanted.max_p999_ms, latency.p999, " ms");
}

void check_reads(const Plan& plan, const Result& result, Checks& checks) {
    if (plan.scenario != Scenario::read && plan.scenario != Scenario::mixed) return;
    const auto& reads = result.reads;
    checks.at_most("ack p99", plan.thresholds.max_ack_p99_ms, result.ack_latency.summary().p99, " ms");
    if (!plan.thresholds.min_delivery_rate) return;
    const double told =
        reads.owed == 0 ? 100 : 100.0 * static_cast<double>(reads.delivered) / static_cast<double>(reads.owed);
    checks.at_least("reads told to other tabs", plan.thresholds.min_delivery_rate, told, " %");
    checks.at_most("marks without an answer", 0, static_cast<double>(reads.sent - reads.acked - reads.refusals), "");
}

/// That something was measured at all.
void check_substance(const Plan& plan, const Result& result, Checks& checks) {
    if (plan.scenario == Scenario::connect || result.clients_connected == 0) return;
    checks.add("notifications created", "≥ 1", fmt::format("{}", result.created), result.created > 0);
    if (result.create_failures.empty()) return;
    std::uint64_t failed = 0;
    for (const auto& [reason, count] : result.create_failures) failed += count;
    checks.add("creations refused", "0", fmt::format("{}", failed), false);
}

}  // namespace

std::string_view to_string(Outcome outcome) {
    switch (outcome) {
        case Outcome::passed:
            return "passed";
        case Outcome::failed:
            return "failed";
        case Outcome::interrupted:
            return "interrupted";
        case Outcome::overloaded:
            return "void";
    }
    return "unknown";
}

int Verdict::exit_code() const {
    switch (outcome) {
        case Outcome::passed:
            return 0;
        case Outcome::failed:
            return 1;
        case Outcome::overloaded:
            return 3;
        case Outcome::interrupted:
            return 130;
    }
    return 1;
}

double own_cpu_of_run(const Result& result) {
    double most = 0;
    for (const auto& phase : result.phases) {
        // A phase shorter than this says little: its CPU is counted in ticks.
        if (phase.seconds >= 0.1 && phase.name != "stock") most = std::max(most, phase.own_cpu());
    }
    return most;
}

Verdict judge(const Plan& plan, const Result& result) {
    Checks checks;
    const auto& wanted = plan.thresholds;
    checks.at_least("connected", wanted.min_connect_success, result.connect_success(), " %");
    checks.at_most("connect p99", wanted.max_connect_p99_ms, result.connect_latency.summary().p99, " ms");
    if (plan.scenario != Scenario::connect) {
        check_substance(plan, result, checks);
        check_deliveries(wanted, result, checks);
        check_reads(plan, result, checks);
    }
    if (plan.scenario == Scenario::storm && result.storm) {
        const auto& storm = *result.storm;
        checks.add("back after the storm", fmt::format("{}", storm.clients), fmt::format("{}", storm.back),
                   storm.current_ms.has_value());
        if (wanted.max_back_ms && storm.current_ms) {
            checks.at_most("all back and current", wanted.max_back_ms, *storm.current_ms, " ms");
        }
    }

    Verdict verdict;
    verdict.checks = std::move(checks.all);
    const bool failed =
        std::any_of(verdict.checks.begin(), verdict.checks.end(), [](const Check& check) { return !check.met; });
    const double own = own_cpu_of_run(result);
    if (own > kOwnCpuMax && !plan.ignore_own_cpu) {
        verdict.outcome = Outcome::overloaded;
        verdict.reason = fmt::format(
            "void: the generator itself used {:.0f} % of its core (at most {:.0f} %), so this measures the generator",
            own * 100, kOwnCpuMax * 100);
    } else if (!result.stopped_by.empty()) {
        verdict.outcome = Outcome::failed;
        verdict.reason = "stopped early: " + result.stopped_by;
    } else if (failed) {
        verdict.outcome = Outcome::failed;
        for (const auto& check : verdict.checks) {
            if (check.met) continue;
            verdict.reason += verdict.reason.empty() ? "missed: " : "; ";
            verdict.reason += fmt::format("{} {} (wanted {})", check.name, check.measured, check.wanted);
        }
    } else if (result.interrupted) {
        verdict.outcome = Outcome::interrupted;
        verdict.reason = "stopped by the user; what was measured until then met every threshold";
    } else {
        verdict.reason = "every threshold was met";
    }
    return verdict;
}

}  // namespace carillon::loadtest
