#pragma once

#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

namespace carillon::http {

/// What one read of a socket brought.
struct Received {
    std::size_t bytes = 0;        ///< 0 without an error: the end of the stream
    std::int64_t arrived_ns = 0;  ///< when the last of them reached this machine, since the epoch
    boost::system::error_code error;
};

/// Has the system note when bytes arrive on the sockets that are accepted from this one. Where it does not (and in the
/// first moment, before it has begun to), the time of the read is all there is.
void note_arrivals(int listening_socket);

/// Reads what is there, without waiting.
Received receive(int socket, std::span<char> into);

/// The clock of `Received::arrived_ns`.
std::int64_t arrival_clock_ns();

}  // namespace carillon::http
