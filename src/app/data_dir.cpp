#include "app/data_dir.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/ids.hpp"

namespace carillon::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kKeyBytesMin = 32;

std::string random_key() {
    static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::array<unsigned char, 48> bytes{};
    base::random_bytes(bytes.data(), bytes.size());
    std::string text;
    for (unsigned char byte : bytes) text.push_back(kAlphabet[byte & 63U]);
    return text;
}

[[noreturn]] void fail(const fs::path& path, const std::string& what) {
    throw StartupError("--data-dir: " + what + " " + path.string() + ": " + std::strerror(errno));
}

// Written whole under another name, then moved in place: a crash leaves no half a key behind.
void write_private_file(const fs::path& path, const std::string& content) {
    const fs::path temporary = path.string() + ".new";
    ::unlink(temporary.c_str());
    const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) fail(path, "cannot write");
    const bool written =
        ::write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size()) && ::fsync(file) == 0;
    ::close(file);
    // link() refuses to replace: of two processes that start at once, both end with the first one's key.
    if (!written || (::link(temporary.c_str(), path.c_str()) != 0 && errno != EEXIST)) {
        const int reason = errno;
        ::unlink(temporary.c_str());
        errno = reason;
        fail(path, "cannot write");
    }
    ::unlink(temporary.c_str());
}

}  // namespace

DataDir DataDir::open(const fs::path& path) {
    std::error_code error;
    if (path.empty()) throw StartupError("--data-dir: wants a folder, not nothing");
    if (!fs::exists(path, error)) {
        if (fs::is_symlink(path, error)) {
            throw StartupError("--data-dir: " + path.string() + " is a link to a folder that is not there");
        }
        fs::create_directories(path, error);
        if (error) throw StartupError("--data-dir: cannot make " + path.string() + ": " + error.message());
        ::chmod(path.c_str(), 0700);
    }
    DataDir dir = open_existing(path);
    if (::access(path.c_str(), W_OK | X_OK) != 0) fail(path, "cannot write to");
    return dir;
}

DataDir DataDir::open_existing(const fs::path& path) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
        throw StartupError("--data-dir: " + path.string() + " is not a folder" + (error ? ": " + error.message() : ""));
    }
    return DataDir{path};
}

std::string DataDir::key(const std::string& name) const {
    const fs::path file = path_ / name;
    std::error_code error;
    if (!fs::exists(file, error)) write_private_file(file, random_key() + "\n");
    std::ifstream in{file};
    if (!in) fail(file, "cannot read");
    std::ostringstream content;
    content << in.rdbuf();
    std::string text = content.str();
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    if (text.size() < kKeyBytesMin) {
        throw StartupError(
            "--data-dir: the key in " + file.string() +
            " is shorter than 32 bytes; remove the file to have a new one made (all tokens end with that)");
    }
    return text;
}

Keys DataDir::keys() const {
    return {key("jwt-secret"), key("internal-secret")};
}

}  // namespace carillon::app
