#include "loadtest/server_watch.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <sstream>

namespace carillon::loadtest {
namespace {

using namespace std::chrono_literals;

constexpr auto kScrapeEvery = 500ms;
constexpr auto kScrapeTimeout = 5s;

std::string read_file(const std::string& path) {
    std::ifstream in{path};
    std::ostringstream out;
    out << in.rdbuf();
    return std::move(out).str();
}

double ticks_to_seconds(std::uint64_t ticks) {
    static const auto per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
    return static_cast<double>(ticks) / per_second;
}

/// user + system time from /proc/PID/stat (proc(5)), with that of children that have ended and been waited for.
bool read_one(int pid, double& cpu_seconds) {
    const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
    const auto name_end = stat.rfind(')');
    if (name_end == std::string::npos) return false;
    std::istringstream fields{stat.substr(name_end + 2)};
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;  // state to cmajflt
    std::uint64_t user = 0;
    std::uint64_t system = 0;
    std::uint64_t child_user = 0;
    std::uint64_t child_system = 0;
    if (!(fields >> user >> system >> child_user >> child_system)) return false;
    cpu_seconds += ticks_to_seconds(user + system + child_user + child_system);
    return true;
}

/// With that of the children that run (PostgreSQL has one for each session).
bool read_stat(int pid, double& cpu_seconds) {
    if (!read_one(pid, cpu_seconds)) return false;
    const std::string id = std::to_string(pid);
    std::istringstream children{read_file("/proc/" + id + "/task/" + id + "/children")};
    for (int child = 0; children >> child;) read_one(child, cpu_seconds);
    return true;
}

std::uint64_t field_kb(const std::string& status, std::string_view name) {
    const auto at = status.find(name);
    if (at == std::string::npos) return 0;
    const auto digits = status.find_first_of("0123456789", at);
    std::uint64_t kb = 0;
    if (digits != std::string::npos) std::from_chars(status.data() + digits, status.data() + status.size(), kb);
    return kb;
}

/// The value of a metric without labels.
double metric(std::string_view text, std::string_view name) {
    for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
        const bool line_start = at == 0 || text[at - 1] == '\n';
        const std::size_t value_at = at + name.size();
        if (!line_start || value_at >= text.size() || text[value_at] != ' ') continue;
        const std::string value{text.substr(value_at + 1, text.find('\n', value_at) - value_at - 1)};
        return std::strtod(value.c_str(), nullptr);
    }
    return -1;
}

std::string target_of(const std::string& url) {
    const auto host = url.find("://") + 3;
    const auto slash = url.find('/', host);
    return slash == std::string::npos ? "/metrics" : url.substr(slash);
}

}  // namespace

ServerUse read_process(int pid) {
    ServerUse use;
    use.seen = read_stat(pid, use.cpu_seconds);
    if (!use.seen) return use;
    const std::string base = "/proc/" + std::to_string(pid);
    use.memory_kb = field_kb(read_file(base + "/status"), "VmRSS:");
    std::istringstream children{read_file(base + "/task/" + std::to_string(pid) + "/children")};
    for (int child = 0; children >> child;) read_stat(child, use.cpu_seconds);
    return use;
}

ServerUse read_metrics(std::string_view text) {
    // Carillon's own names have its prefix.
    ServerUse use;
    for (const std::string_view prefix : {"", "carillon_"}) {
        const double cpu = metric(text, std::string{prefix} + "process_cpu_seconds_total");
        const double memory = metric(text, std::string{prefix} + "process_resident_memory_bytes");
        if (cpu < 0) continue;
        use.seen = true;
        use.cpu_seconds = cpu;
        if (memory > 0) use.memory_kb = static_cast<std::uint64_t>(memory / 1024);
    }
    return use;
}

double own_cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::uint64_t own_memory_kb() {
    return field_kb(read_file("/proc/self/status"), "VmRSS:");
}

ServerWatch::ServerWatch(const Plan& plan, Reactor& reactor) {
    for (const auto& process : plan.processes) {
        if (!read_process(process.pid).seen) {
            throw SetupError("--pid: there is no process " + std::to_string(process.pid));
        }
        names_.push_back(process.name);
        pids_.push_back(process.pid);
    }
    if (plan.metrics_url.empty()) return;
    names_.push_back("metrics");
    target_ = "GET " + target_of(plan.metrics_url);
    const auto answered = [this](std::uint64_t, int status, std::string_view body, base::SteadyTime) {
        if (status == 200) scraped_ = read_metrics(body);
    };
    scraper_ = std::make_unique<HttpCaller>(reactor, resolve_endpoint(plan.metrics_url, "--metrics-url"), 1,
                                            kScrapeTimeout, answered);
}

std::vector<ServerUse> ServerWatch::read() const {
    std::vector<ServerUse> uses;
    uses.reserve(names_.size());
    for (const int pid : pids_) uses.push_back(read_process(pid));
    if (scraper_) uses.push_back(scraped_);
    return uses;
}

void ServerWatch::tick(base::SteadyTime now) {
    if (!scraper_) return;
    scraper_->tick(now);
    if (now < next_scrape_ || scraper_->in_flight() > 0) return;
    next_scrape_ = now + kScrapeEvery;
    scraper_->call(0, target_, {}, {});
}

}  // namespace carillon::loadtest
