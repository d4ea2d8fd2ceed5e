#include "contracts/problem.hpp"

#include <utility>

#include "contracts/field_reader.hpp"
#include "contracts/json_writer.hpp"
#include "contracts/payload_readers.hpp"
#include "contracts/payload_writers.hpp"

namespace carillon::contracts {
namespace {

constexpr std::uint64_t kStatusMin = 100;
constexpr std::uint64_t kStatusMax = 599;

Problem make(int status, std::string_view code, std::string_view title, std::string detail) {
    Problem problem;
    problem.status = status;
    problem.code = code;
    problem.title = title;
    problem.detail = std::move(detail);
    return problem;
}

void append_field_error(std::string& out, const FieldError& error) {
    out += "{\"path\":";
    append_json_string(out, error.path);
    out += ",\"message\":";
    append_json_string(out, error.message);
    out.push_back('}');
}

}  // namespace

void append_problem(std::string& out, const Problem& problem) {
    out += "{\"type\":";
    append_json_string(out, "/problems/" + problem.code);
    out += ",\"title\":";
    append_json_string(out, problem.title);
    out += ",\"status\":";
    append_number(out, static_cast<std::uint64_t>(problem.status));
    out += ",\"detail\":";
    append_json_string(out, problem.detail);
    out += ",\"code\":";
    append_json_string(out, problem.code);
    if (!problem.errors.empty()) {
        out += ",\"errors\":";
        append_list(out, problem.errors, append_field_error);
    }
    out.push_back('}');
}

std::string encode_problem(const Problem& problem) {
    std::string out;
    append_problem(out, problem);
    return out;
}

Problem read_problem(FieldReader& in) {
    Problem problem;
    in.text("type", {});  // made from the code when written
    problem.title = in.text("title", {});
    problem.status = static_cast<int>(in.integer("status", kStatusMin, kStatusMax));
    problem.detail = in.text("detail", {});
    problem.code = in.text("code", {1});
    if (in.has("errors")) {
        in.each_object("errors", [&](FieldReader& item) {
            FieldError error;
            error.path = item.text("path", {});
            error.message = item.text("message", {});
            problem.errors.push_back(std::move(error));
        });
    }
    return problem;
}

Decoded<Problem> decode_problem(std::string_view json) {
    return decode_document(json, read_problem);
}

Problem to_problem(const Invalid& invalid) {
    if (invalid.kind == Invalid::Kind::not_json) return problem_invalid_json(invalid.summary());
    return problem_invalid_payload(invalid.errors);
}

Problem problem_invalid_json(std::string detail) {
    return make(400, "invalid_json", "Not valid JSON", std::move(detail));
}

Problem problem_bad_request(std::string detail) {
    return make(400, "bad_request", "Bad request", std::move(detail));
}

Problem problem_unauthorized(std::string detail) {
    return make(401, "unauthorized", "Authentication required", std::move(detail));
}

Problem problem_token_expired(std::string detail) {
    return make(401, "token_expired", "Token expired", std::move(detail));
}

Problem problem_token_invalid(std::string detail) {
    return make(401, "token_invalid", "Token invalid", std::move(detail));
}

Problem problem_invalid_credentials() {
    return make(401, "invalid_credentials", "Log-in failed", "the e-mail address or the password is wrong");
}

Problem problem_forbidden(std::string detail) {
    return make(403, "forbidden", "Permission missing", std::move(detail));
}

Problem problem_not_found(std::string detail) {
    return make(404, "not_found", "Not found", std::move(detail));
}

Problem problem_method_not_allowed(std::string allow) {
    auto problem = make(405, "method_not_allowed", "Method not allowed", "allowed here: " + allow);
    problem.allow = std::move(allow);
    return problem;
}

Problem problem_conflict(std::string detail, std::optional<int> retry_after_s) {
    auto problem = make(409, "conflict", "Conflict", std::move(detail));
    problem.retry_after_s = retry_after_s;
    return problem;
}

Problem problem_email_taken() {
    return make(409, "email_taken", "E-mail address taken", "a user with this e-mail address exists");
}

Problem problem_payload_too_large(std::string detail) {
    return make(413, "payload_too_large", "Payload too large", std::move(detail));
}

Problem problem_unsupported_media_type(std::string detail) {
    return make(415, "unsupported_media_type", "Unsupported media type", std::move(detail));
}

Problem problem_invalid_payload(std::vector<FieldError> errors, std::string detail) {
    if (detail.empty()) detail = Invalid{Invalid::Kind::breaks_contract, errors}.summary();
    auto problem = make(422, "invalid_payload", "The payload breaks the contract", std::move(detail));
    problem.errors = std::move(errors);
    return problem;
}

Problem problem_idempotency_mismatch() {
    return make(422, "idempotency_mismatch", "Idempotency-Key reused",
                "this Idempotency-Key was used with another request body");
}

Problem problem_rate_limited(int retry_after_s, std::string detail) {
    auto problem = make(429, "rate_limited", "Too many requests", std::move(detail));
    problem.retry_after_s = retry_after_s;
    return problem;
}

Problem problem_internal() {
    return make(500, "internal", "Internal error", "something went wrong on our side");
}

Problem problem_unavailable(int retry_after_s, std::string detail) {
    auto problem = make(503, "unavailable", "Service unavailable", std::move(detail));
    problem.retry_after_s = retry_after_s;
    return problem;
}

}  // namespace carillon::contracts
