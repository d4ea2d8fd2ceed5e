#pragma once

#include <string>
#include <vector>

#include "loop/task.hpp"

namespace carillon::loop {

/// The addresses of a host name, in the system's order of preference; empty when it has none. The look-up runs on a
/// thread of its own, because the system's blocks; it has the system's deadline.
Task<std::vector<std::string>> resolve(std::string host);

}  // namespace carillon::loop
