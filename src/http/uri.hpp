#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carillon::http {

/// Undoes percent-encoding (RFC 3986 section 2.1); nullopt when a '%' is not followed by two hex digits.
/// `plus_is_space`: as in queries of HTML forms.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

/// The value of a query parameter, decoded with '+' as space. One that cannot be decoded stays as it was sent: whoever
/// reads it shall refuse it, and not take it for absent.
std::string decode_value(std::string_view value);

/// Name and value of each parameter of a query without its '?', decoded, in order. Names that cannot be decoded are
/// left out; one without '=' has an empty value.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

/// A request target (RFC 9112 section 3.2) taken apart.
struct Target {
    std::string origin_form;  ///< path and query as sent; "*" of the asterisk form
    std::string path;         ///< decoded; "/" for the asterisk form
    std::string query;        ///< as sent
    std::string authority;    ///< of the absolute form, else empty
};

/// Origin form, absolute form with http or https, and "*". Nullopt for anything else, for a path that cannot be
/// decoded, and for one with a control character in it.
std::optional<Target> parse_target(std::string_view target);

}  // namespace carillon::http
