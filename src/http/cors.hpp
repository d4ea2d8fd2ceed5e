#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace carillon::http {

/// Decides and marks what other origins may do (the Fetch standard's CORS protocol). Immutable. Thread: any.
class CorsPolicy {
 public:
    explicit CorsPolicy(std::vector<std::string> origins);

    bool enabled() const { return !origins_.empty(); }
    /// Whether a page of this origin may read answers. Origins compare byte by byte, as browsers send them.
    bool allows(std::string_view origin) const;
    /// Whether the request comes from a page that is neither allowed nor our own (its origin names the request's Host).
    /// Without a policy, and without an `Origin`, never.
    bool is_foreign(const Request& request) const;
    bool is_preflight(const Request& request) const;
    Response preflight_response(const Request& request) const;
    /// Adds what belongs on every answer.
    void mark(const Request& request, Response& response) const;

 private:
    // Constant after construction.
    std::vector<std::string> origins_;
    bool any_ = false;
};

}  // namespace carillon::http
