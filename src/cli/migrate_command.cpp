#include <CLI/CLI.hpp>
#include <iostream>

#include "app/migrate_app.hpp"
#include "cli/commands.hpp"

namespace carillon::cli {

Command migrate_command() {
    auto options = std::make_unique<CLI::App>("Bring the database up to date, and say what was done");
    auto data_dir = std::make_shared<std::string>("./carillon-data");
    add_config_option(*options);
    options->add_option("--data-dir", *data_dir, "Folder of the embedded database, made when missing")
        ->capture_default_str();
    auto database_url = std::make_shared<std::string>();
    options
        ->add_option("--database-url", *database_url,
                     "A PostgreSQL database instead: postgres://USER:PASSWORD@HOST:PORT/DATABASE")
        ->type_name("URL");
    return {std::move(options), [data_dir, database_url] {
                const auto applied =
                    database_url->empty() ? app::migrate(*data_dir) : app::migrate_database(*database_url);
                for (const auto& name : applied) std::cout << "applied " << name << '\n';
                std::cout << (applied.empty() ? "The database was up to date." : "The database is up to date.")
                          << std::endl;
                return 0;
            }};
}

}  // namespace carillon::cli
