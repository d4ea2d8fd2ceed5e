#pragma once

#include <chrono>
#include <string>

#include "base/result.hpp"
#include "http/errc.hpp"
#include "http/message.hpp"
#include "loop/task.hpp"

namespace carillon::http {

/// One request on a connection of its own, for callers that ask once (`carillon send`). `url`: `http://` or `https://`,
/// whose certificate is verified against the system's authorities or those of a PEM file; an IPv6 address in brackets.
/// Adds Host, Content-Length and `Connection: close`; an answer of at most 16 MB. Ends within `timeout`, with an `errc`
/// or an error of the system. Throws std::invalid_argument for a file that is no good. Runs on the caller's executor.
loop::Task<base::Result<Response>> request_once(std::string url, Method method, Headers headers, std::string body,
                                                std::chrono::milliseconds timeout, std::string ca_file = {});

/// An `http://` URL taken apart. For callers that check a flag before they use it.
struct Url {
    std::string host;  ///< without brackets
    std::string port;
    std::string authority;  ///< as it belongs into Host
    std::string target;     ///< path and query, at least "/"
};
base::Result<Url> parse_url(std::string_view url);

}  // namespace carillon::http
