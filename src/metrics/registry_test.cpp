#include "metrics/registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace carillon::metrics {
namespace {

using testing::HasSubstr;

TEST(Registry, RendersWhatWasCounted) {
    Registry registry;
    registry.counter("messages_total", "Messages", {{"event", "AUTH"}}).increment();
    registry.counter("messages_total", "Messages", {{"event", "AUTH"}}).increment(2);
    registry.gauge("connections_active", "Connections").set(7);
    registry.histogram("latency_seconds", "Latency").observe(0.003);
    const auto text = registry.render();
    EXPECT_THAT(text, HasSubstr("carillon_messages_total{event=\"AUTH\"} 3"));
    EXPECT_THAT(text, HasSubstr("carillon_connections_active 7"));
    EXPECT_THAT(text, HasSubstr("carillon_latency_seconds_bucket{le=\"0.005\"} 1"));
    EXPECT_THAT(text, HasSubstr("carillon_latency_seconds_bucket{le=\"0.0025\"} 0"));
}

TEST(Registry, KnowsItsProcess) {
    Registry registry;
    const auto text = registry.render();
    for (const char* name : {"carillon_process_cpu_seconds_total", "carillon_process_resident_memory_bytes",
                             "carillon_process_open_fds", "carillon_process_start_time_seconds"}) {
        EXPECT_THAT(text, HasSubstr(name));
    }
}

}  // namespace
}  // namespace carillon::metrics
