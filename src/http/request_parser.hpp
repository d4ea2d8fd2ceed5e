#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/chunked_decoder.hpp"
#include "http/message.hpp"

namespace carillon::http {

/// Why a request could not be read; each closes the connection after its answer.
struct ParseError {
    int status = 400;  ///< 400, 413, 417, 431, 501 or 505
    std::string detail;
};

/// Reads one HTTP/1.1 or 1.0 request out of a growing buffer. No socket, no clock.
///
/// Stricter than RFC 9112 allows a server to be, because leniency is what request smuggling lives on: refused are a
/// bare CR or LF, obs-fold, white space before a colon, Content-Length beside Transfer-Encoding, more than one of
/// either, any coding but "chunked", and an HTTP/1.1 request without exactly one Host.
class RequestParser {
 public:
    enum class Status { need_more, complete, failed };

    RequestParser(std::size_t header_bytes_max, std::size_t header_fields_max)
        : header_bytes_max_{header_bytes_max}, header_fields_max_{header_fields_max} {}

    /// Looks for a whole head at the front of `inbox` and takes it away. `complete` when the head has been read.
    Status read_head(std::string& inbox);
    /// After the head: takes the body away from the front of `inbox`.
    Status read_body(std::string& inbox);
    /// After the head, before `read_body`: more than this many bytes of body are an error 413.
    void limit_body(std::size_t bytes_max);

    const ParseError& error() const { return error_; }
    Request& request() { return request_; }
    /// After the head: whether a body follows.
    bool has_body() const { return chunked_ || content_length_ > 0; }
    /// After the head: a body that cannot fit the limit.
    bool declares_more_than(std::size_t bytes) const { return content_length_ > bytes; }
    /// After the head: the client waits for "100 Continue" before it sends the body.
    bool expects_continue() const { return expects_continue_; }
    bool is_http_1_0() const { return http_1_0_; }
    /// After the head: a GET that asks for the WebSocket protocol (RFC 6455 section 4.1).
    bool is_websocket_upgrade() const;

 private:
    class HeadReader;

    Status fail(int status, std::string detail);
    /// Checks what Beast is lenient about, line by line as the lines arrive. The size of the whole head when it is
    /// there.
    std::optional<std::size_t> find_head_end(std::string_view inbox);
    bool check_line(std::string_view line);
    Status parse_head(std::string_view head);
    Status check_framing();
    Status check_target(std::string_view target);

    // Constant after construction.
    const std::size_t header_bytes_max_;
    const std::size_t header_fields_max_;

    Request request_;
    ParseError error_;
    std::size_t line_start_ = 0;  ///< where the first line begins that was not checked yet
    bool first_line_ = true;
    bool failed_ = false;
    bool http_1_0_ = false;
    bool chunked_ = false;
    bool expects_continue_ = false;
    std::uint64_t content_length_ = 0;
    std::optional<ChunkedDecoder> decoder_;
};

}  // namespace carillon::http
