#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "http/chunked_decoder.hpp"
#include "http/message.hpp"

namespace carillon::http {

/// Reads one HTTP/1.1 or 1.0 answer out of a growing buffer; interim answers (1xx) are skipped. No socket, no clock.
class ResponseParser {
 public:
    /// `head_only`: the answer to HEAD, which has no body.
    ResponseParser(bool head_only, std::size_t head_bytes_max, std::size_t body_bytes_max)
        : head_only_{head_only}, head_bytes_max_{head_bytes_max}, body_bytes_max_{body_bytes_max} {}

    /// Takes bytes from the front of `inbox`. True when the answer is whole; an `errc` when it never will be.
    base::Result<bool> read(std::string& inbox);
    /// At the end of the stream: whether that completes the answer.
    bool ends_here() const { return in_body_ && until_closed_; }
    /// Whether the connection may carry another request after this answer.
    bool keep_alive() const { return keep_alive_; }
    Response& response() { return response_; }

 private:
    class HeadReader;

    base::Result<bool> read_head(std::string& inbox);
    base::Result<bool> read_body(std::string& inbox);
    base::Result<bool> begin_body();

    // Constant after construction.
    const bool head_only_;
    const std::size_t head_bytes_max_;
    const std::size_t body_bytes_max_;

    Response response_;
    std::optional<ChunkedDecoder> decoder_;
    std::uint64_t content_length_ = 0;
    bool in_body_ = false;
    bool until_closed_ = false;
    bool keep_alive_ = true;
};

}  // namespace carillon::http
