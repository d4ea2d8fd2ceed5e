#include "app/serve_app.hpp"

#include <fmt/format.h>

#include "app/data_dir.hpp"
#include "app/embedded_services.hpp"
#include "app/gateway_process.hpp"
#include "app/service_parts.hpp"
#include "base/log.hpp"
#include "bus/local/local_node_registry.hpp"
#include "loop/event_loop.hpp"

namespace carillon::app {
namespace {

Keys resolve_keys(const ServeConfig& config, const DataDir& directory) {
    Keys keys;
    keys.jwt_secret =
        config.jwt_secret.empty() ? directory.key("jwt-secret") : checked_secret("--jwt-secret", config.jwt_secret);
    keys.internal_secret = config.internal_secret.empty() ? directory.key("internal-secret")
                                                          : checked_secret("--internal-secret", config.internal_secret);
    return keys;
}

}  // namespace

int serve(const ServeConfig& config, std::ostream& out) {
    const base::Clock& clock = base::system_clock();
    const DataDir directory = DataDir::open(config.data_dir);
    const Keys keys = resolve_keys(config, directory);
    metrics::Registry metrics;
    EmbeddedServices services{config, directory, keys, clock, metrics};
    const token::InternalTokens internal_tokens{keys.internal_secret};
    const gateway::PidSealer pids{keys.internal_secret};
    bus::LocalNodeRegistry nodes;
    const gateway::GatewayServices leaned_on{services.notification_api(),
                                             services.auth_api(),
                                             services.verifier(),
                                             services.bus(),
                                             metrics,
                                             clock,
                                             internal_tokens,
                                             nodes,
                                             pids};
    GatewayProcess gateway{config, leaned_on};

    services.start_serving();
    gateway.start();
    services.start_publishing();
    out << fmt::format(
               "Carillon is ready: http://{}:{}\n"
               "  auth service          http://127.0.0.1:{}\n"
               "  notification service  http://127.0.0.1:{}\n",
               display_host(config.host), gateway.port(), services.auth_port(), services.notifications_port())
        << std::flush;

    loop::wait_for_stop_signal();
    base::log_info("stopping", {{"drain_ms", config.drain_window.count()}});
    gateway.stop(config.drain_window);
    services.stop();
    base::log_info("stopped");
    return 0;
}

}  // namespace carillon::app
