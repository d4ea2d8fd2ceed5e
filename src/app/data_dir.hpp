#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

namespace carillon::app {

/// Bad configuration or a surrounding that cannot be worked with: `what()` is one line for the user, exit code 2.
class StartupError : public std::runtime_error {
 public:
    using std::runtime_error::runtime_error;
};

/// The keys of one installation, as text; each at least 32 bytes.
struct Keys {
    std::string jwt_secret;
    std::string internal_secret;
};

/// The folder that `carillon serve` keeps everything in (mode 0700): the database and the keys it made (mode 0600).
class DataDir {
 public:
    /// Makes the folder when it is missing. Throws StartupError when it cannot be made or written.
    static DataDir open(const std::filesystem::path& path);
    /// The same, but a folder that is missing is an error: for commands that only look.
    static DataDir open_existing(const std::filesystem::path& path);

    /// The key kept under `name`, made on the first call.
    std::string key(const std::string& name) const;
    Keys keys() const;
    const std::filesystem::path& path() const { return path_; }

 private:
    explicit DataDir(std::filesystem::path path) : path_{std::move(path)} {}

    std::filesystem::path path_;
};

}  // namespace carillon::app
