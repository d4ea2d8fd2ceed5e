#pragma once

#include <functional>
#include <string>
#include <vector>

#include "http/router.hpp"
#include "loop/task.hpp"

namespace carillon::http {

/// Whether a service can do its work now, and what it leans on.
struct Readiness {
    struct Dependency {
        std::string name;
        bool ok = true;
        std::string detail;    ///< for people; may be empty
        bool required = true;  ///< false: its absence is shown, and the service does its work nevertheless
    };
    std::vector<Dependency> dependencies;
    bool draining = false;  ///< about to stop: not ready, whatever the dependencies say

    bool ready() const;
};

/// Ends soon: whoever asks does not wait for long.
using ReadinessCheck = std::function<loop::Task<Readiness>()>;

/// Adds `/livez` (200 while the loop turns), `/readyz` (200, or 503 with Retry-After, with the state of each
/// dependency) and `/metrics` (Prometheus text format), open to all. `registry` outlives the router.
void add_ops_routes(Router& router, metrics::Registry& registry, ReadinessCheck check);

}  // namespace carillon::http
