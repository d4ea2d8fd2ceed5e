#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <utility>

#include "loadtest/report.hpp"

namespace carillon::loadtest {
namespace {

namespace json = boost::json;

/// Enough digits for a report, and no noise behind them.
double rounded(double value) {
    if (value == 0 || !std::isfinite(value)) return 0;
    const double scale = std::pow(10.0, 5 - std::floor(std::log10(std::abs(value))));
    return scale > 1 ? std::round(value * scale) / scale : std::round(value);
}

json::value optional_number(const std::optional<double>& value) {
    return value ? json::value(rounded(*value)) : json::value(nullptr);
}

json::object latency(const LatencyHistogram::Summary& summary) {
    return {{"count", summary.count},      {"mean", rounded(summary.mean)}, {"p50", rounded(summary.p50)},
            {"p90", rounded(summary.p90)}, {"p99", rounded(summary.p99)},   {"p999", rounded(summary.p999)},
            {"max", rounded(summary.max)}};
}

template <class Map>
json::object counts(const Map& map) {
    json::object object;
    for (const auto& [name, count] : map) object[name] = count;
    return object;
}

json::array servers(const Result& result, const std::vector<ServerUse>& uses, double seconds) {
    json::array array;
    for (std::size_t i = 0; i < uses.size() && i < result.server_names.size(); ++i) {
        const double cpu = seconds > 0 ? uses[i].cpu_seconds / seconds : 0;
        array.push_back(json::object{{"name", result.server_names[i]},
                                     {"cpuSeconds", rounded(uses[i].cpu_seconds)},
                                     {"cpuPercent", rounded(cpu * 100)},
                                     {"memoryKb", uses[i].memory_kb},
                                     {"seen", uses[i].seen}});
    }
    return array;
}

json::object connections(const Result& result) {
    const double per_second =
        result.connect_seconds > 0 ? static_cast<double>(result.clients_connected) / result.connect_seconds : 0;
    const auto* const phase = result.phase("connect");
    const auto efficiency = per_cpu_second(result, "connect", static_cast<double>(result.clients_connected));
    json::object object{{"clients", result.clients},
                        {"connected", result.clients_connected},
                        {"successPercent", rounded(result.connect_success())},
                        {"seconds", rounded(phase ? phase->seconds : 0)},
                        {"perSecond", rounded(per_second)},
                        {"perServerCpuSecond", optional_number(efficiency)},
                        {"attempts", result.connections.attempts},
                        {"failedAttempts", result.connections.failed},
                        {"failures", counts(result.connections.failures)},
                        {"dropped", result.connections.dropped},
                        {"drops", counts(result.connections.drops)},
                        {"givenUp", result.given_up},
                        {"latencyMs", latency(result.connect_latency.summary())}};
    return object;
}

json::object notifications(const Result& result) {
    const auto& found = result.deliveries;
    const double seconds = result.delivery_seconds;
    const double live = static_cast<double>(found.delivered - found.recovered);
    return {{"created", result.created},
            {"createFailures", counts(result.create_failures)},
            {"owed", found.owed},
            {"delivered", found.delivered},
            {"recoveredBySync", found.recovered},
            {"lost", found.lost()},
            {"duplicated", found.duplicated},
            {"toWrongUser", found.wrong_user},
            {"deliveryPercent", rounded(result.delivery_rate())},
            {"seconds", rounded(seconds)},
            {"createdPerSecond", rounded(seconds > 0 ? static_cast<double>(result.created) / seconds : 0)},
            {"deliveriesPerSecond", rounded(seconds > 0 ? live / seconds : 0)},
            {"deliveriesPerServerCpuSecond", optional_number(per_cpu_second(result, "run", live))},
            {"latencyMs", latency(result.latency.summary())},
            {"createMs", latency(result.create_latency.summary())}};
}

json::object reads(const Result& result) {
    const auto& found = result.reads;
    const double seconds = result.read_seconds;
    const double acked = static_cast<double>(found.acked);
    return {{"sent", found.sent},
            {"acked", found.acked},
            {"refused", counts(found.refused)},
            {"unanswered", found.sent - found.acked - found.refusals},
            {"owed", found.owed},
            {"delivered", found.delivered},
            {"lost", found.lost()},
            {"duplicated", found.duplicated},
            {"perSecond", rounded(seconds > 0 ? acked / seconds : 0)},
            {"perServerCpuSecond", optional_number(per_cpu_second(result, "run", acked))},
            {"ackMs", latency(result.ack_latency.summary())},
            {"broadcastMs", latency(result.broadcast_latency.summary())}};
}

json::value storm(const Result& result) {
    if (!result.storm) return nullptr;
    return json::object{{"clients", result.storm->clients},
                        {"back", result.storm->back},
                        {"backMs", optional_number(result.storm->back_ms)},
                        {"currentMs", optional_number(result.storm->current_ms)},
                        {"clientBackMs", latency(result.storm->client_back)}};
}

json::object settings(const Plan& plan) {
    json::array urls;
    for (const auto& url : plan.urls) urls.emplace_back(url);
    const char* const source = plan.source.kind == SourcePlan::Kind::nats      ? "nats"
                               : plan.source.kind == SourcePlan::Kind::service ? "service"
                                                                               : "gateway";
    return {{"urls", urls},
            {"path", plan.path},
            {"namespace", plan.nsp},
            {"clients", plan.clients()},
            {"users", plan.users},
            {"tabs", plan.tabs},
            {"durationMs", plan.duration.count()},
            {"rate", plan.rate},
            {"events", plan.events},
            {"connectRate", plan.connect_rate},
            {"source", source},
            {"bodyBytes", plan.source.body_bytes},
            {"churnRate", plan.churn_rate},
            {"readShare", plan.read_share},
            {"messageRate", plan.message_rate}};
}

json::array phases(const Result& result) {
    json::array array;
    for (const auto& phase : result.phases) {
        array.push_back(json::object{{"name", phase.name},
                                     {"fromSeconds", rounded(phase.from_seconds)},
                                     {"seconds", rounded(phase.seconds)},
                                     {"ownCpuPercent", rounded(phase.own_cpu() * 100)},
                                     {"servers", servers(result, phase.servers, phase.seconds)}});
    }
    return array;
}

json::array samples(const Result& result) {
    json::array array;
    for (const auto& one : result.samples) {
        array.push_back(json::object{{"at", rounded(one.at_seconds)},
                                     {"connected", one.connected},
                                     {"connects", one.connects},
                                     {"drops", one.drops},
                                     {"created", one.created},
                                     {"delivered", one.delivered},
                                     {"marked", one.marked},
                                     {"latencyMs", latency(one.latency)},
                                     {"ackMs", latency(one.ack)},
                                     {"ownCpuPercent", rounded(one.own_cpu * 100)},
                                     {"servers", servers(result, one.servers, one.seconds)}});
    }
    return array;
}

/// Memory of each server at the end of the phase that holds all connections.
json::array memory(const Result& result) {
    json::array array;
    const Phase* phase = result.phase("idle");
    if (phase == nullptr) phase = result.phase("connect");
    for (std::size_t i = 0; i < result.server_names.size(); ++i) {
        json::object one{{"name", result.server_names[i]}, {"beforeKb", result.memory_before_kb[i]}};
        if (phase != nullptr && i < phase->servers.size() && result.clients_connected > 0) {
            const auto after = static_cast<double>(phase->servers[i].memory_kb);
            one["connectedKb"] = phase->servers[i].memory_kb;
            one["kbPerConnection"] = rounded((after - static_cast<double>(result.memory_before_kb[i])) /
                                             static_cast<double>(result.clients_connected));
        }
        array.push_back(one);
    }
    return array;
}

bool is_flat(const json::value& value) {
    const auto structured = [](const json::value& one) { return one.is_structured(); };
    if (value.is_array()) return std::none_of(value.get_array().begin(), value.get_array().end(), structured);
    return std::none_of(value.get_object().begin(), value.get_object().end(),
                        [&](const auto& member) { return structured(member.value()); });
}

/// `lines`: each item of what holds others on a line of its own; else all on one. What is flat stays on one line.
void print(std::string& out, const json::value& value, std::size_t depth, bool lines) {
    if (value.is_double()) {
        out += fmt::format("{}", value.get_double());
        return;
    }
    if (!value.is_structured()) {
        out += json::serialize(value);
        return;
    }
    const bool broken = lines && !is_flat(value);
    const std::string separator = broken ? ",\n" + std::string(2 * (depth + 1), ' ') : ", ";
    out += value.is_array() ? '[' : '{';
    if (broken) out += separator.substr(1);
    bool first = true;
    if (value.is_array()) {
        for (const auto& item : value.get_array()) {
            if (!std::exchange(first, false)) out += separator;
            print(out, item, depth + 1, false);
        }
    } else {
        for (const auto& [name, member] : value.get_object()) {
            if (!std::exchange(first, false)) out += separator;
            out += json::serialize(json::value(name)) + ": ";
            print(out, member, depth + 1, lines);
        }
    }
    if (broken) out += '\n' + std::string(2 * depth, ' ');
    out += value.is_array() ? ']' : '}';
}

}  // namespace

std::string report_json(const Report& report) {
    const Result& result = report.result;
    json::array checks;
    for (const auto& check : report.verdict.checks) {
        checks.push_back(json::object{
            {"name", check.name}, {"wanted", check.wanted}, {"measured", check.measured}, {"met", check.met}});
    }
    const json::object document{{"schema", "carillon-loadtest/1"},
                                {"version", CARILLON_VERSION},
                                {"run", result.run},
                                {"startedAt", base::to_iso8601(result.started_at)},
                                {"seconds", rounded(result.seconds)},
                                {"scenario", std::string{to_string(report.plan.scenario)}},
                                {"verdict", std::string{to_string(report.verdict.outcome)}},
                                {"exitCode", report.verdict.exit_code()},
                                {"reason", report.verdict.reason},
                                {"checks", checks},
                                {"settings", settings(report.plan)},
                                {"machine", json::object{{"cpu", report.machine.cpu},
                                                         {"cores", report.machine.cores},
                                                         {"memoryMb", report.machine.memory_mb},
                                                         {"kernel", report.machine.kernel}}},
                                {"generator", json::object{{"cpuPercent", rounded(own_cpu_of_run(result) * 100)},
                                                           {"memoryKb", result.own_memory_kb}}},
                                {"connections", connections(result)},
                                {"notifications", notifications(result)},
                                {"reads", reads(result)},
                                {"storm", storm(result)},
                                {"errors", counts(result.errors)},
                                {"syncUsed", result.sync_used},
                                {"memory", memory(result)},
                                {"phases", phases(result)},
                                {"samples", samples(result)}};
    std::string text;
    print(text, document, 0, true);
    text += '\n';
    return text;
}

}  // namespace carillon::loadtest
