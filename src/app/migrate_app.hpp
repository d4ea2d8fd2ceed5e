#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace carillon::app {

/// Brings the database under `data_dir` up to date; makes it when there is none. Returns the names of the steps that
/// were applied now, in order. Throws StartupError when it cannot; then nothing of the failing step remains.
std::vector<std::string> migrate(const std::filesystem::path& data_dir);

}  // namespace carillon::app
