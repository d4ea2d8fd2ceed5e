#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carillon::http {

enum class Method { get, head, post, put, patch, del, options, other };

std::string_view method_name(Method method);

/// Header fields in order; names compare caselessly (RFC 9110 section 5.1).
class Headers {
 public:
    /// The first value, or empty.
    std::string_view get(std::string_view name) const;
    bool has(std::string_view name) const;
    /// How many fields have the name.
    std::size_t count(std::string_view name) const;
    void set(std::string name, std::string value);
    void add(std::string name, std::string value);
    const std::vector<std::pair<std::string, std::string>>& all() const { return fields_; }

 private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

/// One request, read whole.
struct Request {
    Method method = Method::get;
    std::string method_text;  ///< as sent, for `Method::other`
    std::string target;       ///< as sent: path and query
    std::string path;         ///< percent-decoded; never empty, starts with '/'
    std::string query;        ///< as sent, without '?'. May hold a token: never log it
    Headers headers;
    std::string body;
    std::string remote_address;  ///< of the client, without port; as a trusted proxy says
    bool over_tls = false;       ///< between the client and a trusted proxy, as that says
    bool keep_alive = true;
    std::int64_t arrived_ns = 0;  ///< when its last bytes reached this machine, since the epoch
    std::string trace_id;         ///< 32 hex digits, from `traceparent` or made here
    std::string traceparent;      ///< to be passed on: same trace, a span of our own

    /// The first value of a query parameter, percent-decoded and '+' as space (as sent when it cannot
    /// be decoded); nullopt when absent.
    std::optional<std::string> query_value(std::string_view name) const;
};

struct Response {
    int status = 200;
    Headers headers;
    std::string body;
    /// Instead of `body`: bytes that live as long as the process (files embedded in the binary).
    std::string_view static_body;
    /// Close the connection after this answer.
    bool close = false;
};

/// `application/json` with `cache-control: no-store`.
Response json_response(int status, std::string body);

}  // namespace carillon::http
