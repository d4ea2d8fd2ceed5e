#include "loadtest/endpoint.hpp"
#include "loadtest/http_source.hpp"
#include "loadtest/nats_source.hpp"
#include "loadtest/notification_source.hpp"

namespace carillon::loadtest {

std::unique_ptr<NotificationSource> make_source(const Plan& plan, std::uint64_t run, Reactor& reactor,
                                                SourceEvents& events) {
    const auto& source = plan.source;
    switch (source.kind) {
        case SourcePlan::Kind::nats:
            return std::make_unique<NatsSource>(plan, run, reactor, resolve_endpoint(source.url, "--nats-url", "nats"),
                                                events);
        case SourcePlan::Kind::service:
            return std::make_unique<HttpSource>(plan, reactor, resolve_endpoint(source.url, "--notifications-url"),
                                                events);
        case SourcePlan::Kind::gateway:
            break;
    }
    return std::make_unique<HttpSource>(plan, reactor, resolve_endpoint(plan.urls.front(), "--url"), events);
}

}  // namespace carillon::loadtest
