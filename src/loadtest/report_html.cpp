#include <fmt/format.h>

#include <limits>

#include "base/clock.hpp"
#include "base/duration.hpp"
#include "loadtest/report.hpp"
#include "loadtest/report_page.hpp"
#include "loadtest/svg_chart.hpp"

namespace carillon::loadtest {
namespace {

constexpr double kGap = std::numeric_limits<double>::quiet_NaN();

// --- Figures at the top ----------------------------------------------------------------------------------------------

void tile(std::string& out, std::string_view name, const std::string& value, std::string_view unit,
          const std::string& note) {
    out += fmt::format("<div><dt>{}</dt><dd>{} <small>{}</small></dd><p>{}</p></div>\n", name, value, unit,
                       escape_html(note));
}

std::string tiles(const Report& report) {
    const Result& result = report.result;
    std::string out = "<dl class=\"tiles\">\n";
    const double connects =
        result.connect_seconds > 0 ? static_cast<double>(result.clients_connected) / result.connect_seconds : 0;
    tile(out, "Connected", friendly(result.connect_success()), "%",
         fmt::format("{} of {}, {} a second", friendly(static_cast<double>(result.clients_connected)),
                     friendly(static_cast<double>(result.clients)), friendly(connects)));
    if (report.plan.scenario == Scenario::connect) {
        const auto latency = result.connect_latency.summary();
        tile(out, "Handshake", friendly(latency.p50), "ms p50", "p99 " + friendly(latency.p99) + " ms");
    } else {
        const auto& found = result.deliveries;
        const auto latency = result.latency.summary();
        tile(out, "Delivered", fmt::format("{:.6g}", result.delivery_rate()), "%",
             fmt::format("{} of {}", friendly(static_cast<double>(found.delivered)),
                         friendly(static_cast<double>(found.owed))));
        tile(out, "Lost · twice · astray",
             fmt::format("{} · {} · {}", found.lost(), found.duplicated, found.wrong_user), "",
             "every delivery is checked");
        tile(out, "Create to socket", friendly(latency.p50), "ms p50", "p99 " + friendly(latency.p99) + " ms");
        const double rate = result.delivery_seconds > 0
                                ? static_cast<double>(found.delivered - found.recovered) / result.delivery_seconds
                                : 0;
        const auto per_cpu = per_cpu_second(result, "run", static_cast<double>(found.delivered - found.recovered));
        tile(out, "Deliveries", friendly(rate), "a second",
             per_cpu ? friendly(*per_cpu) + " per server CPU-second" : "");
    }
    if (result.storm) {
        const auto& storm = *result.storm;
        tile(out, "Storm: all back and current", storm.current_ms ? friendly(*storm.current_ms) : "–", "ms",
             fmt::format("{} of {} clients", friendly(static_cast<double>(storm.back)),
                         friendly(static_cast<double>(storm.clients))));
    }
    tile(out, "This generator", friendly(own_cpu_of_run(result) * 100), "% CPU",
         fmt::format("void above {:.0f} %", kOwnCpuMax * 100));
    return out + "</dl>\n";
}

// --- Charts ----------------------------------------------------------------------------------------------------------

template <class Get>
Series series(const Result& result, std::string name, const Get& get, bool filled = false) {
    Series made{std::move(name), {}, filled};
    for (const auto& sample : result.samples) made.values.push_back(get(sample));
    return made;
}

/// A value of a latency summary, or a gap where nothing was measured.
template <class Member>
auto when_measured(LatencyHistogram::Summary Sample::*summary, Member member) {
    return [summary, member](const Sample& sample) {
        const auto& found = sample.*summary;
        return found.count == 0 ? kGap : found.*member;
    };
}

Chart latency_chart(const Result& result, std::string title, LatencyHistogram::Summary Sample::*summary,
                    const std::vector<double>& at) {
    using Summary = LatencyHistogram::Summary;
    Chart chart{std::move(title), "ms", Chart::Axis::time, true, at, {}};
    chart.series.push_back(series(result, "p50", when_measured(summary, &Summary::p50)));
    chart.series.push_back(series(result, "p99", when_measured(summary, &Summary::p99)));
    chart.series.push_back(series(result, "max", when_measured(summary, &Summary::max)));
    return chart;
}

Chart distribution_chart(const Report& report) {
    const Result& result = report.result;
    Chart chart{"Latency by percentile", "ms", Chart::Axis::percentile, true, {}, {}};
    for (const double share : {0.1,  0.25, 0.5,  0.6,  0.7,   0.75,  0.8,   0.85,  0.9,    0.925,
                               0.95, 0.97, 0.98, 0.99, 0.993, 0.996, 0.998, 0.999, 0.9995, 0.9999}) {
        chart.at.push_back(share);
    }
    const auto add = [&chart](std::string name, const LatencyHistogram& histogram) {
        if (histogram.count() == 0) return;
        Series curve{std::move(name), {}, false};
        for (const double share : chart.at) curve.values.push_back(to_ms(histogram.quantile(share)));
        chart.series.push_back(std::move(curve));
    };
    add("create to socket", result.latency);
    add("handshake", result.connect_latency);
    add("mark to ack", result.ack_latency);
    add("create to answer", result.create_latency);
    return chart;
}

Chart server_chart(const Result& result, std::string title, std::string unit, const std::vector<double>& at,
                   double (*value)(const ServerUse&, const Sample&)) {
    Chart chart{std::move(title), std::move(unit), Chart::Axis::time, false, at, {}};
    for (std::size_t i = 0; i < result.server_names.size(); ++i) {
        chart.series.push_back(series(result, result.server_names[i], [i, value](const Sample& sample) {
            return i < sample.servers.size() && sample.servers[i].seen ? value(sample.servers[i], sample) : kGap;
        }));
    }
    return chart;
}

std::string charts(const Report& report) {
    const Result& result = report.result;
    std::vector<double> at;
    for (const auto& sample : result.samples) at.push_back(sample.at_seconds);
    std::string out = "<div class=\"charts\">\n";
    if (result.latency.count() > 0) {
        out += svg_figure(latency_chart(result, "Create to socket", &Sample::latency, at));
        Chart rates{"Throughput", "a second", Chart::Axis::time, false, at, {}};
        rates.series.push_back(series(
            result, "delivered", [](const Sample& one) { return static_cast<double>(one.delivered) / one.seconds; },
            true));
        rates.series.push_back(series(
            result, "created", [](const Sample& one) { return static_cast<double>(one.created) / one.seconds; }));
        out += svg_figure(rates);
    }
    out += svg_figure(distribution_chart(report));
    Chart connected{"Connections", "sockets", Chart::Axis::time, false, at, {}};
    connected.series.push_back(series(
        result, "connected", [](const Sample& one) { return static_cast<double>(one.connected); }, true));
    out += svg_figure(connected);
    if (result.ack_latency.count() > 0)
        out += svg_figure(latency_chart(result, "Mark as read to ack", &Sample::ack, at));
    Chart cpu = server_chart(result, "CPU", "% of a core", at, [](const ServerUse& use, const Sample& sample) {
        return 100 * use.cpu_seconds / sample.seconds;
    });
    cpu.series.push_back(series(result, "this generator", [](const Sample& one) { return 100 * one.own_cpu; }));
    out += svg_figure(cpu);
    if (!result.server_names.empty()) {
        out += svg_figure(server_chart(result, "Resident memory", "MB", at, [](const ServerUse& use, const Sample&) {
            return static_cast<double>(use.memory_kb) / 1024;
        }));
    }
    return out + "</div>\n";
}

// --- Tables ----------------------------------------------------------------------------------------------------------

std::string checks_table(const Verdict& verdict) {
    std::string out =
        "<h2>Thresholds</h2><div "
        "class=\"wide\"><table><tr><th>what</th><th>measured</th><th>wanted</th><th></th></tr>\n";
    for (const auto& check : verdict.checks) {
        out += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"{}\">{}</td></tr>\n",
                           escape_html(check.name), escape_html(check.measured), escape_html(check.wanted),
                           check.met ? "met" : "missed", check.met ? "met" : "missed");
    }
    return out + "</table></div>\n";
}

std::string latency_table(const Result& result) {
    std::string out =
        "<h2>Latency, in milliseconds</h2><div "
        "class=\"wide\"><table><tr><th></th><th>count</th><th>mean</th><th>p50</th>"
        "<th>p90</th><th>p99</th><th>p99.9</th><th>max</th></tr>\n";
    const auto row = [&out](std::string_view name, const LatencyHistogram& histogram) {
        const auto found = histogram.summary();
        if (found.count == 0) return;
        out += fmt::format("<tr><td>{}</td><td>{}</td>", name, friendly(static_cast<double>(found.count)));
        for (const double value : {found.mean, found.p50, found.p90, found.p99, found.p999, found.max}) {
            out += "<td>" + friendly(value) + "</td>";
        }
        out += "</tr>\n";
    };
    row("connection asked for → namespace joined", result.connect_latency);
    row("creation due → on the socket", result.latency);
    row("creation due → answered", result.create_latency);
    row("mark as read → acknowledged", result.ack_latency);
    row("mark as read → on each tab", result.broadcast_latency);
    return out + "</table></div>\n";
}

std::string phases_table(const Result& result) {
    std::string out = "<h2>What it cost</h2><div class=\"wide\"><table><tr><th>phase</th><th>seconds</th>";
    for (const auto& name : result.server_names) {
        out += "<th>" + escape_html(name) + " CPU</th><th>memory at its end</th>";
    }
    out += "<th>generator CPU</th></tr>\n";
    for (const auto& phase : result.phases) {
        out += fmt::format("<tr><td>{}</td><td>{}</td>", escape_html(phase.name), friendly(phase.seconds));
        for (std::size_t i = 0; i < result.server_names.size(); ++i) {
            const ServerUse use = i < phase.servers.size() ? phase.servers[i] : ServerUse{};
            out += use.seen ? fmt::format("<td>{:.2f} s</td><td>{:.1f} MB</td>", use.cpu_seconds,
                                          static_cast<double>(use.memory_kb) / 1024)
                            : "<td>–</td><td>–</td>";
        }
        out += fmt::format("<td>{:.1f} %</td></tr>\n", phase.own_cpu() * 100);
    }
    return out + "</table></div>\n";
}

std::string reasons_table(const Result& result) {
    std::string rows;
    const auto list = [&rows](std::string_view what, const auto& map) {
        for (const auto& [reason, count] : map) {
            rows += fmt::format("<tr><td>{}</td><td class=\"text\">{}</td><td>{}</td></tr>\n", what,
                                escape_html(reason), friendly(static_cast<double>(count)));
        }
    };
    list("attempt to connect failed", result.connections.failures);
    list("connection ended by the server", result.connections.drops);
    list("creation refused", result.create_failures);
    list("mark refused", result.reads.refused);
    list("error event", result.errors);
    if (rows.empty()) return {};
    return "<h2>What went wrong</h2><div class=\"wide\"><table><tr><th>what</th><th "
           "style=\"text-align:left\">reason</th>"
           "<th>times</th></tr>\n" +
           rows + "</table></div>\n";
}

std::string settings_table(const Report& report) {
    const Plan& plan = report.plan;
    std::string out = "<h2>Settings and machine</h2><div class=\"wide\"><table>\n";
    const auto row = [&out](std::string_view name, const std::string& value) {
        out += fmt::format("<tr><td>{}</td><td class=\"text\">{}</td></tr>\n", name, escape_html(value));
    };
    std::string urls;
    for (const auto& url : plan.urls) urls += (urls.empty() ? "" : ", ") + url;
    row("gateway", urls + ", namespace " + plan.nsp);
    row("clients", fmt::format("{} ({} users × {} tabs), opened at {} a second", plan.clients(), plan.users, plan.tabs,
                               plan.connect_rate > 0 ? friendly(plan.connect_rate) : "any number"));
    if (plan.scenario != Scenario::connect) {
        const char* const source = plan.source.kind == SourcePlan::Kind::nats      ? "events on JetStream"
                                   : plan.source.kind == SourcePlan::Kind::service ? "the notification service's API"
                                                                                   : "the gateway's REST API";
        row("notifications", fmt::format("{}, {}, text of {} bytes",
                                         plan.rate > 0 ? friendly(plan.rate) + " a second" : "as fast as it goes",
                                         source, plan.source.body_bytes));
    }
    row("length", plan.events > 0 ? friendly(static_cast<double>(plan.events)) + " notifications"
                                  : base::format_duration(plan.duration));
    row("machine", fmt::format("{}, {} cores, {} MB, {}", report.machine.cpu, report.machine.cores,
                               report.machine.memory_mb, report.machine.kernel));
    row("generator", std::string{"carillon "} + CARILLON_VERSION + "");
    return out + "</table></div>\n";
}

}  // namespace

std::string report_html(const Report& report) {
    const Plan& plan = report.plan;
    const Result& result = report.result;
    const auto outcome = to_string(report.verdict.outcome);
    std::string out =
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    out += fmt::format("<title>Load test: {}, {} clients, {}</title>\n<style>{}</style></head><body><main>\n",
                       to_string(plan.scenario), plan.clients(), outcome, kReportStyle);
    out +=
        fmt::format("<header><h1>Load test: {}, {} clients</h1>\n<p>{} · {} users × {} tabs · {} s · {} · run {}</p>\n",
                    to_string(plan.scenario), friendly(static_cast<double>(plan.clients())),
                    escape_html(plan.urls.front()), friendly(static_cast<double>(plan.users)), plan.tabs,
                    friendly(result.seconds), base::to_iso8601(result.started_at), result.run);
    out += fmt::format("<div class=\"verdict {}\"><b>{}</b><span>{}</span></div></header>\n", outcome, outcome,
                       escape_html(report.verdict.reason));
    out += tiles(report);
    out += "<h2>Second by second</h2>\n" + charts(report);
    out += checks_table(report.verdict) + latency_table(result) + phases_table(result) + reasons_table(result) +
           settings_table(report);
    out +=
        "<footer>Written by carillon loadtest. Latency counts from when a notification was due, so a server that falls "
        "behind the rate is seen to.</footer>\n</main></body></html>\n";
    return out;
}

}  // namespace carillon::loadtest
