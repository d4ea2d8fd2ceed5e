#include "http/ops_routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/testing/probe_server.hpp"

namespace carillon::http {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

loop::Task<Readiness> report(Readiness readiness) {
    co_return readiness;
}

std::string ask(Readiness readiness, const std::string& path) {
    ProbeServer probe;
    ReadinessCheck check = [readiness] { return report(readiness); };
    add_ops_routes(probe.router, probe.metrics, check);
    probe.start();
    auto client = probe.connect();
    client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    return client.read_response();
}

TEST(OpsRoutes, SayReadyWithTheStateOfEachDependency) {
    EXPECT_THAT(
        ask({{{"store", true, ""}, {"bus", true, "3 ms"}}}, "/readyz"),
        AllOf(StartsWith("HTTP/1.1 200"),
              EndsWith("\r\n\r\n{\"status\":\"ready\",\"dependencies\":{\"store\":{\"ok\":true},\"bus\":{\"ok\":"
                       "true,\"detail\":\"3 ms\"}}}")));
}

TEST(OpsRoutes, SayUnavailableWhenADependencyIs) {
    EXPECT_THAT(ask({{{"store", true, ""}, {"bus", false, "no \"answer\""}}}, "/readyz"),
                AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("Retry-After: 1\r\n"), HasSubstr("\"unavailable\""),
                      HasSubstr("\"bus\":{\"ok\":false,\"detail\":\"no \\\"answer\\\"\"}")));
}

TEST(OpsRoutes, SayDrainingBeforeAnythingElse) {
    Readiness readiness;
    readiness.draining = true;
    EXPECT_THAT(ask(readiness, "/readyz"), AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("\"draining\"")));
    EXPECT_THAT(ask(readiness, "/livez"), StartsWith("HTTP/1.1 200"));
}

TEST(OpsRoutes, ShowTheMetrics) {
    const auto got = ask({}, "/metrics");
    EXPECT_THAT(got, HasSubstr("Content-Type: text/plain; version=0.0.4"));
    EXPECT_THAT(got, HasSubstr("carillon_process_open_fds"));
}

}  // namespace
}  // namespace carillon::http
