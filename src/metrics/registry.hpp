#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace carillon::metrics {

using Labels = std::map<std::string, std::string>;

/// A number that only grows. Thread: any; one atomic add.
class Counter {
 public:
    virtual ~Counter() = default;
    virtual void increment(double by = 1) = 0;
    virtual double value() const = 0;
};

/// A number that goes up and down. Thread: any.
class Gauge {
 public:
    virtual ~Gauge() = default;
    virtual void set(double value) = 0;
    virtual void add(double by) = 0;
    virtual double value() const = 0;
};

/// Bucket bounds in seconds, from 100 microseconds to 10 seconds.
const std::vector<double>& latency_buckets();

/// Observations that one thread counts for itself, to be added to a histogram together.
class LatencyTally {
 public:
    LatencyTally();
    void observe(double seconds);
    bool empty() const { return observations_ == 0; }
    void clear();

    /// By bucket, and what is above them all.
    const std::vector<double>& counts() const { return counts_; }
    double sum() const { return sum_; }

 private:
    std::vector<double> counts_;
    double sum_ = 0;
    std::size_t observations_ = 0;
};

/// Observations in cumulative buckets. Thread: any; takes a short lock.
class Histogram {
 public:
    virtual ~Histogram() = default;
    virtual void observe(double value) = 0;
    virtual void add(const LatencyTally& tally) = 0;
};

/// The metrics of one process in the Prometheus text format (version 0.0.4). Every name gets the prefix `carillon_`.
/// A metric is found by name and labels: asking again gives the same one. Look one up once and keep the reference; it
/// lives as long as the registry. Thread: any.
class Registry {
 public:
    Registry();
    ~Registry();
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {});
    Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {});
    Histogram& histogram(const std::string& name, const std::string& help, const Labels& labels = {});

    /// All metrics, with the process's own (`process_cpu_seconds_total`, `process_resident_memory_bytes`,
    /// `process_open_fds`, `process_max_fds`, `process_start_time_seconds`) read afresh.
    std::string render();

 private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace carillon::metrics
