#include "app/migrate_app.hpp"

#include <fmt/format.h>

#include "app/data_dir.hpp"
#include "metrics/registry.hpp"
#include "store/open_error.hpp"
#include "store/postgres/postgres.hpp"
#include "store/sqlite/database.hpp"

namespace carillon::app {
namespace {

// For a server that is just starting.
constexpr std::chrono::seconds kServerWait{10};

}  // namespace

std::vector<std::string> migrate(const std::filesystem::path& data_dir) {
    const DataDir directory = DataDir::open(data_dir);
    metrics::Registry metrics;
    store::SqliteOptions options;
    options.directory = directory.path();
    try {
        const store::SqliteDatabase database{options, metrics};
        std::vector<std::string> names;
        for (const auto& step : database.applied()) names.push_back(fmt::format("{:04}_{}", step.number, step.name));
        return names;
    } catch (const store::OpenError& error) {
        throw StartupError(error.what());
    }
}

std::vector<std::string> migrate_database(const std::string& url) {
    try {
        return store::migrate_postgres(url, kServerWait);
    } catch (const store::OpenError& error) {
        throw StartupError(error.what());
    }
}

}  // namespace carillon::app
