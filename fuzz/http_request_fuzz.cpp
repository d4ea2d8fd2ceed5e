// The HTTP request parser: the same request, however its bytes arrive.
#include <algorithm>
#include <string>
#include <vector>

#include "http/request_parser.hpp"
#include "require.hpp"

using namespace carillon;
using fuzz::require;

namespace {

constexpr std::size_t kHeadMax = 2'000;
constexpr std::size_t kFieldsMax = 20;
constexpr std::size_t kBodyMax = 500;

/// What came of the first request of some bytes.
struct Read {
    http::RequestParser::Status status = http::RequestParser::Status::need_more;
    bool head = false;
    int error = 0;
    http::Request request;
    std::string left;  ///< what belongs to the next request

    bool same_as(const Read& other) const {
        if (status != other.status || head != other.head) return false;
        // Which of several faults is told of may depend on what has arrived.
        if (status == http::RequestParser::Status::failed) return true;
        const auto& a = request;
        const auto& b = other.request;
        return a.method == b.method && a.target == b.target && a.path == b.path && a.query == b.query &&
               a.headers.all() == b.headers.all() && a.body == b.body && a.keep_alive == b.keep_alive;
    }
};

Read read_in_steps(std::string_view bytes, std::size_t step) {
    using Status = http::RequestParser::Status;
    http::RequestParser parser{kHeadMax, kFieldsMax};
    Read read;
    std::string inbox;
    while (read.status == Status::need_more) {
        if (!read.head) {
            read.status = parser.read_head(inbox);
            if (read.status == Status::complete) {
                read.head = true;
                parser.limit_body(kBodyMax);
                if (parser.declares_more_than(kBodyMax)) break;
                read.status = Status::need_more;
            }
        }
        if (read.head) read.status = parser.read_body(inbox);
        if (read.status != Status::need_more) break;
        if (bytes.empty()) break;
        inbox += bytes.substr(0, step);
        bytes.remove_prefix(std::min(step, bytes.size()));
    }
    read.error = read.status == Status::failed ? parser.error().status : 0;
    if (read.head) read.request = parser.request();
    require(read.request.body.size() <= kBodyMax, "a body keeps to its limit");
    require(read.request.headers.all().size() <= kFieldsMax + 1, "the fields keep to their limit");
    read.left = inbox + std::string{bytes};
    return read;
}

void check(const Read& read) {
    using Status = http::RequestParser::Status;
    if (read.status == Status::failed) {
        const int code = read.error;
        require(code == 400 || code == 413 || code == 417 || code == 431 || code == 501 || code == 505,
                "a failure has one of its statuses");
        return;
    }
    if (!read.head) return;
    require(read.request.path.starts_with('/'), "a path begins with a slash");
    for (const auto& [name, value] : read.request.headers.all()) {
        require(!name.empty(), "a field has a name");
        require(value.find_first_of("\r\n") == std::string::npos, "a value is one line");
        require(value.find('\0') == std::string::npos, "a value has no NUL");
    }
    const auto& headers = read.request.headers;
    require(headers.count("content-length") + headers.count("transfer-encoding") <= 1, "a body has one length");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes = fuzz::as_text(data, size);
    const Read at_once = read_in_steps(bytes, bytes.size() + 1);
    check(at_once);
    for (const std::size_t step : {1UL, 7UL}) {
        const Read slowly = read_in_steps(bytes, step);
        require(at_once.same_as(slowly), "a request does not depend on how its bytes arrive");
        if (at_once.status == http::RequestParser::Status::complete) {
            require(at_once.left == slowly.left, "nor does what is left for the next one");
        }
    }
    return 0;
}
