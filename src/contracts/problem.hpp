#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contracts/validation.hpp"

namespace carillon::contracts {

inline constexpr std::string_view kProblemContentType = "application/problem+json";

/// An error answer (RFC 9457). `type` of the body is "/problems/<code>".
struct Problem {
    int status = 500;
    std::string code;    ///< stable, for machines
    std::string title;   ///< fixed for a code
    std::string detail;  ///< this occurrence, for people; may be empty
    std::vector<FieldError> errors;

    // These become headers; they are not in the body.
    std::optional<int> retry_after_s;  ///< Retry-After
    std::string allow;                 ///< Allow, of 405
    bool replayed = false;             ///< Idempotency-Replayed: the answer to the first call with the key

    bool operator==(const Problem&) const = default;
};

/// `{type, title, status, detail, code, errors?}`; `errors` only when there are any.
std::string encode_problem(const Problem& problem);
void append_problem(std::string& out, const Problem& problem);
Decoded<Problem> decode_problem(std::string_view json);

/// 400 `invalid_json` or 422 `invalid_payload` with its errors.
Problem to_problem(const Invalid& invalid);

// One for each code. `detail` is shown to the caller.
Problem problem_invalid_json(std::string detail);                                          // 400 invalid_json
Problem problem_bad_request(std::string detail);                                           // 400 bad_request
Problem problem_unauthorized(std::string detail = {});                                     // 401 unauthorized
Problem problem_token_expired(std::string detail = {});                                    // 401 token_expired
Problem problem_token_invalid(std::string detail = {});                                    // 401 token_invalid
Problem problem_invalid_credentials();                                                     // 401 invalid_credentials
Problem problem_forbidden(std::string detail = {});                                        // 403 forbidden
Problem problem_not_found(std::string detail = {});                                        // 404 not_found
Problem problem_method_not_allowed(std::string allow);                                     // 405 method_not_allowed
Problem problem_conflict(std::string detail, std::optional<int> retry_after_s = {});       // 409 conflict
Problem problem_email_taken();                                                             // 409 email_taken
Problem problem_payload_too_large(std::string detail = {});                                // 413 payload_too_large
Problem problem_unsupported_media_type(std::string detail = {});                           // 415 unsupported_media_type
Problem problem_invalid_payload(std::vector<FieldError> errors, std::string detail = {});  // 422 invalid_payload
Problem problem_idempotency_mismatch();                                                    // 422 idempotency_mismatch
Problem problem_rate_limited(int retry_after_s, std::string detail = {});                  // 429 rate_limited
Problem problem_internal();                                                                // 500 internal
Problem problem_unavailable(int retry_after_s, std::string detail = {});                   // 503 unavailable

}  // namespace carillon::contracts
