#include "metrics/registry.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <tuple>

namespace carillon::metrics {
namespace {

class PrometheusCounter final : public Counter {
 public:
    explicit PrometheusCounter(prometheus::Counter& counter) : counter_{counter} {}
    void increment(double by) override { counter_.Increment(by); }
    double value() const override { return counter_.Value(); }

 private:
    prometheus::Counter& counter_;
};

class PrometheusGauge final : public Gauge {
 public:
    explicit PrometheusGauge(prometheus::Gauge& gauge) : gauge_{gauge} {}
    void set(double value) override { gauge_.Set(value); }
    void add(double by) override { gauge_.Increment(by); }
    double value() const override { return gauge_.Value(); }

 private:
    prometheus::Gauge& gauge_;
};

class PrometheusHistogram final : public Histogram {
 public:
    explicit PrometheusHistogram(prometheus::Histogram& histogram) : histogram_{histogram} {}
    void observe(double value) override { histogram_.Observe(value); }
    void add(const LatencyTally& tally) override { histogram_.ObserveMultiple(tally.counts(), tally.sum()); }

 private:
    prometheus::Histogram& histogram_;
};

using Key = std::pair<std::string, Labels>;

// The process's start, in seconds since the epoch: boot time plus the start field of /proc/self/stat.
double process_start_seconds() {
    std::ifstream stat{"/proc/self/stat"};
    std::string line;
    std::getline(stat, line);
    const auto close = line.rfind(')');
    if (close == std::string::npos) return 0;
    std::size_t at = close + 1;
    for (int field = 0; field < 19; ++field) at = line.find(' ', at + 1);
    const double ticks = std::stod(line.substr(at + 1));
    std::ifstream boot{"/proc/stat"};
    while (std::getline(boot, line)) {
        if (line.rfind("btime ", 0) == 0) {
            return std::stod(line.substr(6)) + ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
        }
    }
    return 0;
}

double resident_bytes() {
    std::ifstream statm{"/proc/self/statm"};
    double total = 0;
    double resident = 0;
    statm >> total >> resident;
    return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double open_descriptors() {
    std::error_code error;
    const std::filesystem::directory_iterator all{"/proc/self/fd", error};
    return error ? 0 : static_cast<double>(std::distance(begin(all), end(all)));
}

}  // namespace

const std::vector<double>& latency_buckets() {
    static const std::vector<double> kBuckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                              0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
    return kBuckets;
}

LatencyTally::LatencyTally() : counts_(latency_buckets().size() + 1) {}

void LatencyTally::observe(double seconds) {
    const auto& bounds = latency_buckets();
    const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), seconds) - bounds.begin();
    ++counts_[static_cast<std::size_t>(bucket)];
    sum_ += seconds;
    ++observations_;
}

void LatencyTally::clear() {
    std::fill(counts_.begin(), counts_.end(), 0.0);
    sum_ = 0;
    observations_ = 0;
}

struct Registry::Impl {
    prometheus::Registry registry;
    std::mutex mutex;
    // Guarded by mutex. Values are stable: std::map never moves its nodes.
    std::map<Key, PrometheusCounter> counters;
    std::map<Key, PrometheusGauge> gauges;
    std::map<Key, PrometheusHistogram> histograms;

    void set_process_gauge(const std::string& name, const std::string& help, double value) {
        prometheus::BuildGauge().Name("carillon_" + name).Help(help).Register(registry).Add({}).Set(value);
    }
};

Registry::Registry() : impl_{std::make_unique<Impl>()} {}
Registry::~Registry() = default;

Counter& Registry::counter(const std::string& name, const std::string& help, const Labels& labels) {
    const std::lock_guard lock{impl_->mutex};
    const auto found = impl_->counters.find({name, labels});
    if (found != impl_->counters.end()) return found->second;
    auto& made = prometheus::BuildCounter().Name("carillon_" + name).Help(help).Register(impl_->registry).Add(labels);
    return impl_->counters.emplace(Key{name, labels}, made).first->second;
}

Gauge& Registry::gauge(const std::string& name, const std::string& help, const Labels& labels) {
    const std::lock_guard lock{impl_->mutex};
    const auto found = impl_->gauges.find({name, labels});
    if (found != impl_->gauges.end()) return found->second;
    auto& made = prometheus::BuildGauge().Name("carillon_" + name).Help(help).Register(impl_->registry).Add(labels);
    return impl_->gauges.emplace(Key{name, labels}, made).first->second;
}

Histogram& Registry::histogram(const std::string& name, const std::string& help, const Labels& labels) {
    const std::lock_guard lock{impl_->mutex};
    const auto found = impl_->histograms.find({name, labels});
    if (found != impl_->histograms.end()) return found->second;
    auto& made = prometheus::BuildHistogram()
                     .Name("carillon_" + name)
                     .Help(help)
                     .Register(impl_->registry)
                     .Add(labels, latency_buckets());
    return impl_->histograms.emplace(Key{name, labels}, made).first->second;
}

std::string Registry::render() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    {
        const std::lock_guard lock{impl_->mutex};
        auto& cpu = prometheus::BuildCounter()
                        .Name("carillon_process_cpu_seconds_total")
                        .Help("User and system CPU time of the process")
                        .Register(impl_->registry)
                        .Add({});
        cpu.Increment(std::max(0.0, seconds(usage.ru_utime) + seconds(usage.ru_stime) - cpu.Value()));
        impl_->set_process_gauge("process_resident_memory_bytes", "Resident memory of the process", resident_bytes());
        impl_->set_process_gauge("process_open_fds", "Open file descriptors", open_descriptors());
        impl_->set_process_gauge("process_max_fds", "Limit of open file descriptors",
                                 static_cast<double>(files.rlim_cur));
        static const double kStart = process_start_seconds();
        impl_->set_process_gauge("process_start_time_seconds", "Start of the process, seconds since the epoch", kStart);
    }
    return prometheus::TextSerializer{}.Serialize(impl_->registry.Collect());
}

}  // namespace carillon::metrics
