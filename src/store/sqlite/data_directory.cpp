#include "store/sqlite/data_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "store/open_error.hpp"

namespace carillon::store {
namespace {

constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kFileMode = 0600;

std::string reason(int error) {
    return std::generic_category().message(error);
}

void make_directory(const std::filesystem::path& directory) {
    std::error_code error;
    if (std::filesystem::is_directory(directory, error)) return;
    const auto parent = std::filesystem::absolute(directory, error).lexically_normal().parent_path();
    if (!error) std::filesystem::create_directories(parent, error);
    if (!error && ::mkdir(directory.c_str(), kDirectoryMode) != 0) error = {errno, std::generic_category()};
    if (error && error != std::errc::file_exists) {
        throw OpenError{fmt::format("cannot make the data directory {}: {}; give another with --data-dir",
                                    directory.string(), error.message())};
    }
}

// Opens, and makes if missing, a file that only its owner may read.
int open_private(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
    if (descriptor < 0) {
        throw OpenError{
            fmt::format("cannot write in the data directory: {}: {}; check its owner and permissions, or give "
                        "another with --data-dir",
                        file.string(), reason(errno))};
    }
    return descriptor;
}

}  // namespace

DataDirectory::DataDirectory(const std::filesystem::path& directory) : database_file_{directory / "carillon.db"} {
    make_directory(directory);
    lock_ = open_private(directory / "carillon.lock");
    if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
        const int error = errno;
        ::close(lock_);
        if (error == EWOULDBLOCK) {
            throw OpenError{
                fmt::format("the data directory {} is in use by another carillon process; stop it, or give "
                            "another directory with --data-dir",
                            directory.string())};
        }
        throw OpenError{fmt::format("cannot lock the data directory {}: {}", directory.string(), reason(error))};
    }
    try {
        const int database = open_private(database_file_);
        ::fchmod(database, kFileMode);
        ::close(database);
    } catch (...) {
        ::close(lock_);
        throw;
    }
}

DataDirectory::~DataDirectory() {
    ::close(lock_);
}

}  // namespace carillon::store
