#pragma once

#include "loadtest/session.hpp"

namespace carillon::loadtest {

/// Carries out the plan's scenario from the first connection to the last delivery. Returns early when the run is
/// stopped.
void run_scenario(Session& session);

}  // namespace carillon::loadtest
