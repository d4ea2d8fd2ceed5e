#include <fmt/format.h>

#include "base/duration.hpp"
#include "loadtest/report.hpp"

namespace carillon::loadtest {
namespace {

std::string thousands(std::uint64_t value) {
    std::string digits = std::to_string(value);
    for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
        digits.insert(static_cast<std::size_t>(at), ",");
    }
    return digits;
}

std::string thousands(double value) {
    return thousands(static_cast<std::uint64_t>(value + 0.5));
}

std::string ms(double value) {
    return value < 10 ? fmt::format("{:.2f}", value) : value < 100 ? fmt::format("{:.1f}", value) : thousands(value);
}

std::string latency(const LatencyHistogram::Summary& summary) {
    if (summary.count == 0) return "none measured";
    return fmt::format("p50 {} · p90 {} · p99 {} · p99.9 {} · max {} ms", ms(summary.p50), ms(summary.p90),
                       ms(summary.p99), ms(summary.p999), ms(summary.max));
}

std::string megabytes(std::uint64_t kb) {
    return fmt::format("{:.1f} MB", static_cast<double>(kb) / 1024);
}

class Table {
 public:
    void row(std::string_view name, const std::string& text) { out += fmt::format("  {:<16}{}\n", name, text); }
    std::string out;
};

template <class Map>
void list_reasons(Table& table, std::string_view name, const Map& map) {
    for (const auto& [reason, count] : map) table.row(name, fmt::format("{} × {}", thousands(count), reason));
}

void add_connections(Table& table, const Result& result) {
    const double rate =
        result.connect_seconds > 0 ? static_cast<double>(result.clients_connected) / result.connect_seconds : 0;
    table.row("connections", fmt::format("{} of {} ({:.4g} %), {} a second{}", thousands(result.clients_connected),
                                         thousands(result.clients), result.connect_success(), thousands(rate),
                                         result.connections.dropped > 0
                                             ? fmt::format(", {} dropped", thousands(result.connections.dropped))
                                             : ""));
    table.row("  handshake", latency(result.connect_latency.summary()));
    list_reasons(table, "  failed", result.connections.failures);
    list_reasons(table, "  dropped", result.connections.drops);
}

void add_notifications(Table& table, const Result& result) {
    const auto& found = result.deliveries;
    const double live = static_cast<double>(found.delivered - found.recovered);
    const double seconds = result.delivery_seconds;
    table.row(
        "notifications",
        fmt::format(
            "{} created{}", thousands(result.created),
            seconds > 0 ? fmt::format(", {} a second", thousands(static_cast<double>(result.created) / seconds)) : ""));
    list_reasons(table, "  refused", result.create_failures);
    table.row("deliveries",
              fmt::format("{} of {} ({:.6g} %){}: {} lost, {} twice, {} to the wrong user", thousands(found.delivered),
                          thousands(found.owed), result.delivery_rate(),
                          found.recovered > 0 ? fmt::format(", {} of them by sync", thousands(found.recovered)) : "",
                          thousands(found.lost()), thousands(found.duplicated), thousands(found.wrong_user)));
    if (seconds > 0) {
        std::string rate = thousands(live / seconds) + " a second";
        if (const auto per_cpu = per_cpu_second(result, "run", live)) {
            rate += fmt::format(", {} per CPU-second of {}", thousands(*per_cpu), result.server_names.front());
        }
        table.row("", rate);
    }
    table.row("  latency", latency(result.latency.summary()));
    table.row("  create", latency(result.create_latency.summary()));
}

void add_reads(Table& table, const Result& result) {
    const auto& found = result.reads;
    if (found.sent == 0) return;
    const double rate = result.read_seconds > 0 ? static_cast<double>(found.acked) / result.read_seconds : 0;
    table.row("reads", fmt::format("{} sent, {} acknowledged ({} a second); {} of {} updates reached the tabs",
                                   thousands(found.sent), thousands(found.acked), thousands(rate),
                                   thousands(found.delivered), thousands(found.owed)));
    list_reasons(table, "  refused", found.refused);
    table.row("  ack", latency(result.ack_latency.summary()));
    table.row("  to the tabs", latency(result.broadcast_latency.summary()));
}

void add_storm(Table& table, const Result& result) {
    if (!result.storm) return;
    const auto& storm = *result.storm;
    const auto when = [](const std::optional<double>& value) { return value ? ms(*value) + " ms" : "never"; };
    table.row("storm", fmt::format("{} of {} back after {}, all current after {}", thousands(storm.back),
                                   thousands(storm.clients), when(storm.back_ms), when(storm.current_ms)));
}

void add_servers(Table& table, const Result& result) {
    const Phase* phase = result.phase("run");
    if (phase == nullptr) phase = result.phase("idle");
    for (std::size_t i = 0; i < result.server_names.size(); ++i) {
        std::string text;
        if (phase != nullptr && i < phase->servers.size() && phase->servers[i].seen) {
            const auto& use = phase->servers[i];
            text = fmt::format("{:.1f} % of a core, {} resident", 100 * use.cpu_seconds / phase->seconds,
                               megabytes(use.memory_kb));
            const Phase* const full = result.phase("idle") != nullptr ? result.phase("idle") : result.phase("connect");
            if (full != nullptr && i < full->servers.size() && result.clients_connected > 0) {
                const double grown =
                    static_cast<double>(full->servers[i].memory_kb) - static_cast<double>(result.memory_before_kb[i]);
                text += fmt::format(" ({:.1f} KB for each connection)",
                                    grown / static_cast<double>(result.clients_connected));
            }
        } else {
            text = "could not be read";
        }
        table.row(result.server_names[i], text);
    }
    table.row("generator", fmt::format("{:.1f} % of its core at most, {} resident", own_cpu_of_run(result) * 100,
                                       megabytes(result.own_memory_kb)));
}

}  // namespace

std::optional<double> per_cpu_second(const Result& result, std::string_view phase, double amount) {
    const Phase* const found = result.phase(phase);
    if (found == nullptr || found->servers.empty()) return std::nullopt;
    const auto& use = found->servers.front();
    if (!use.seen || use.cpu_seconds <= 0) return std::nullopt;
    return amount / use.cpu_seconds;
}

std::string progress_line(const Sample& sample, const Plan& plan, const std::vector<std::string>& servers,
                          std::uint64_t lost) {
    std::string line = fmt::format("{:>4.0f} s  {}/{} connected", sample.at_seconds, thousands(sample.connected),
                                   thousands(plan.clients()));
    if (sample.created + sample.delivered > 0) {
        line += fmt::format(" · {}/s created · {}/s delivered",
                            thousands(static_cast<double>(sample.created) / sample.seconds),
                            thousands(static_cast<double>(sample.delivered) / sample.seconds));
    }
    if (sample.latency.count > 0) {
        line += fmt::format(" · p50 {} p99 {} ms", ms(sample.latency.p50), ms(sample.latency.p99));
    }
    if (sample.marked > 0)
        line += fmt::format(" · {}/s read", thousands(static_cast<double>(sample.marked) / sample.seconds));
    if (lost > 0) line += fmt::format(" · {} on their way", thousands(lost));
    for (std::size_t i = 0; i < servers.size() && i < sample.servers.size(); ++i) {
        const auto& use = sample.servers[i];
        if (use.seen) {
            line += fmt::format(" · {} {:.0f} % {:.0f} MB", servers[i], 100 * use.cpu_seconds / sample.seconds,
                                static_cast<double>(use.memory_kb) / 1024);
        }
    }
    return line + fmt::format(" · me {:.0f} %", sample.own_cpu * 100);
}

std::string report_text(const Report& report) {
    const Plan& plan = report.plan;
    const Result& result = report.result;
    Table table;
    table.out = fmt::format("\nCarillon load test: {}, {} clients ({} users × {} tabs), {}, {:.1f} s, run {}\n\n",
                            to_string(plan.scenario), thousands(plan.clients()), thousands(plan.users), plan.tabs,
                            plan.urls.front(), result.seconds, result.run);
    add_connections(table, result);
    if (plan.scenario != Scenario::connect) {
        add_notifications(table, result);
        add_reads(table, result);
        add_storm(table, result);
        list_reasons(table, "errors", result.errors);
    }
    add_servers(table, result);
    table.out += '\n';
    for (const auto& check : report.verdict.checks) {
        table.out += fmt::format("  {} {:<28} {:>14}   wanted {}\n", check.met ? "ok    " : "MISSED", check.name,
                                 check.measured, check.wanted);
    }
    table.out += fmt::format("\n{}: {}\n", to_string(report.verdict.outcome), report.verdict.reason);
    return table.out;
}

}  // namespace carillon::loadtest
