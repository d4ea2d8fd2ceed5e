#include "token/compact_jws.hpp"

#include <algorithm>

#include "token/base64url.hpp"

namespace carillon::token {
namespace {

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool equal_caseless(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view without_application(std::string_view type) {
    constexpr std::string_view kPrefix = "application/";
    return equal_caseless(type.substr(0, kPrefix.size()), kPrefix) ? type.substr(kPrefix.size()) : type;
}

// The text of an optional header parameter. False when it is there and no string.
bool read_text(const JoseObject& object, std::string_view name, std::optional<std::string>& out) {
    if (!object.has(name)) return true;
    const std::string* text = object.text(name);
    if (text == nullptr) return false;
    out = *text;
    return true;
}

base::Result<void> check_audience(const JoseObject& claims, std::string_view audience) {
    const JoseValue* value = claims.find("aud");
    if (value == nullptr) return errc::missing_claim;
    if (const auto* one = std::get_if<std::string>(value)) {
        if (*one != audience) return errc::wrong_audience;
        return {};
    }
    const auto* several = std::get_if<Texts>(value);
    if (several == nullptr) return errc::missing_claim;
    if (std::find(several->begin(), several->end(), audience) == several->end()) return errc::wrong_audience;
    return {};
}

// An optional time. Error when it is there and none.
base::Result<std::optional<base::TimePoint>> read_time(const JoseObject& claims, std::string_view name) {
    const JoseValue* value = claims.find(name);
    if (value == nullptr) return std::optional<base::TimePoint>{};
    const auto time = numeric_date(*value);
    if (!time) return errc::missing_claim;
    return time;
}

base::Result<void> check_times(CheckedClaims& claims, std::chrono::seconds leeway, base::TimePoint now) {
    const auto expires_at = read_time(claims.all, "exp");
    const auto not_before = read_time(claims.all, "nbf");
    const auto issued_at = read_time(claims.all, "iat");
    if (!expires_at) return expires_at.error();
    if (!not_before) return not_before.error();
    if (!issued_at) return issued_at.error();
    if (!expires_at->has_value()) return errc::missing_claim;
    claims.expires_at = **expires_at;
    claims.issued_at = *issued_at;
    if (now >= claims.expires_at) return errc::expired;
    if (not_before->has_value() && **not_before > now + leeway) return errc::not_yet_valid;
    if (claims.issued_at && *claims.issued_at > now + leeway) return errc::not_yet_valid;
    return {};
}

}  // namespace

base::Result<CompactJws> split_compact_jws(std::string_view token) {
    if (token.size() > kTokenBytesMax) return errc::malformed;
    const auto first = token.find('.');
    if (first == std::string_view::npos) return errc::malformed;
    const auto second = token.find('.', first + 1);
    if (second == std::string_view::npos) return errc::malformed;
    const std::string_view header_text = token.substr(0, first);
    if (header_text.size() > (kHeaderBytesMax * 4 + 2) / 3) return errc::malformed;
    const auto header_json = base64url_decode(header_text);
    auto signature = base64url_decode(token.substr(second + 1));  // a third dot fails here
    if (!header_json || !signature) return errc::malformed;
    const auto header = parse_jose_object(*header_json);
    if (!header || header->has("crit")) return errc::malformed;

    CompactJws jws;
    std::optional<std::string> type;
    if (!read_text(*header, "typ", type) || !read_text(*header, "kid", jws.key_id)) return errc::malformed;
    const std::string* name = header->text("alg");
    const auto algorithm = name == nullptr ? std::nullopt : parse_algorithm(*name);
    if (!algorithm) return errc::algorithm_refused;
    jws.algorithm = *algorithm;
    jws.type = std::move(type).value_or("");
    jws.signing_input = token.substr(0, second);
    jws.payload = token.substr(first + 1, second - first - 1);
    jws.signature = std::move(*signature);
    return jws;
}

bool is_type(std::string_view type, std::string_view accepted) {
    return !type.empty() && equal_caseless(without_application(type), without_application(accepted));
}

base::Result<CheckedClaims> check_claims(std::string_view payload, const ClaimRules& rules, base::TimePoint now) {
    const auto text = base64url_decode(payload);
    if (!text) return errc::malformed;
    auto object = parse_jose_object(*text);
    if (!object) return errc::malformed;
    CheckedClaims claims{std::move(*object), {}, {}};
    const std::string* issuer = claims.all.text("iss");
    if (issuer == nullptr || claims.all.text("sub") == nullptr) return errc::missing_claim;
    if (*issuer != rules.issuer) return errc::wrong_issuer;
    CARILLON_TRY(check_audience(claims.all, rules.audience));
    CARILLON_TRY(check_times(claims, rules.leeway, now));
    return claims;
}

std::string sign_compact_jws(const SigningKey& key, std::string_view type, std::string_view claims_json) {
    std::string header = R"({"alg":")";
    header.append(algorithm_name(key.algorithm())).append(R"(","typ":")").append(type);
    if (!key.key_id().empty()) header.append(R"(","kid":")").append(key.key_id());
    header.append("\"}");
    std::string token = base64url_encode(header);
    token.push_back('.');
    token += base64url_encode(claims_json);
    const std::string signature = base64url_encode(key.sign(token));
    token.push_back('.');
    return token += signature;
}

}  // namespace carillon::token
