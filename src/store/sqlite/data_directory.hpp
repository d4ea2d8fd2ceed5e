#pragma once

#include <filesystem>

namespace carillon::store {

/// The directory that holds the database, claimed for this process by a lock on `carillon.lock` until the end of the
/// object (or of the process, however it ends). A directory that is made gets mode 0700; one that is there keeps its
/// mode.
class DataDirectory {
 public:
    /// Throws `OpenError`: it cannot be made or written, or another process has it.
    explicit DataDirectory(const std::filesystem::path& directory);
    ~DataDirectory();
    DataDirectory(const DataDirectory&) = delete;
    DataDirectory& operator=(const DataDirectory&) = delete;

    /// `<directory>/carillon.db`. Made here when missing, with mode 0600, which the files beside it inherit.
    const std::filesystem::path& database_file() const { return database_file_; }

 private:
    std::filesystem::path database_file_;
    int lock_ = -1;
};

}  // namespace carillon::store
