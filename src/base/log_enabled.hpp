#pragma once

#include "base/log.hpp"

namespace carillon::base {

/// Whether a line of the level would be written: for a hot path that must not make the fields of a line that nobody
/// sees. One relaxed load. Thread: any.
bool log_enabled(LogLevel level);

}  // namespace carillon::base
