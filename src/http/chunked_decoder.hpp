#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace carillon::http {

/// Decodes a chunked body (RFC 9112 section 7.1), strictly: CRLF only, bounded chunk lines and trailers. Extensions and
/// trailer fields are read and dropped.
class ChunkedDecoder {
 public:
    enum class Status { need_more, complete, too_large, malformed };

    explicit ChunkedDecoder(std::size_t body_bytes_max) : body_bytes_max_{body_bytes_max} {}

    /// Takes bytes from the front of `in` and appends what they carry to `body`. After anything but `need_more` it is
    /// not to be called again; what is left in `in` then belongs to the next request.
    Status decode(std::string_view& in, std::string& body);

 private:
    enum class State { size, extension, size_lf, data, data_cr, data_lf, trailer_start, trailer, trailer_lf, end_lf };

    Status step(char c);
    Status take_data(std::string_view& in, std::string& body);

    const std::size_t body_bytes_max_;
    State state_ = State::size;
    std::uint64_t chunk_bytes_ = 0;  ///< left of the current chunk
    unsigned size_digits_ = 0;
    std::size_t line_bytes_ = 0;  ///< of the current chunk line, or of all trailers
};

}  // namespace carillon::http
