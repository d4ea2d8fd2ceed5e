#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace carillon::app {

/// Brings the database under `data_dir` up to date; makes it when there is none. Returns the names of the steps that
/// were applied now, in order. Throws StartupError when it cannot; then nothing of the failing step remains.
std::vector<std::string> migrate(const std::filesystem::path& data_dir);

/// The same for the schemas of all services in a PostgreSQL database: "notification/0001_initial", …
std::vector<std::string> migrate_database(const std::string& url);

}  // namespace carillon::app
