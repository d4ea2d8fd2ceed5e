#pragma once

#include <string>
#include <string_view>

#include "http/message.hpp"

namespace carillon::http {

/// The reason phrase of a status, for people; empty when unknown.
std::string_view reason_phrase(int status);

/// What the connection adds to an answer.
struct ResponseFraming {
    bool head_only = false;  ///< the answer to HEAD: the length of a body that is not sent
    bool http_1_0 = false;
    bool keep_alive = true;
    std::string_view date;  ///< an IMF-fixdate (RFC 9110 section 5.6.7); empty: none
};

/// The status line and all fields, up to the empty line. Line breaks in values become spaces, so that no value can
/// begin another field. Adds Content-Length, Connection, Date and, where the answer has none of its own, the fields
/// that narrow what a browser does with it.
std::string response_head(const Response& response, const ResponseFraming& framing);

/// The bytes to be sent after the head.
std::string_view response_body(const Response& response, const ResponseFraming& framing);

}  // namespace carillon::http
