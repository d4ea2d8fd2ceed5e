#include "token/jose_json.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <limits>

namespace carillon::token {
namespace {

namespace json = boost::json;

constexpr std::size_t kDepthMax = 16;
constexpr std::size_t kMembersMax = 128;
// 9999-12-31, the last day that other programs are sure to understand.
constexpr double kSecondsMax = 253'402'300'799.0;

/// Collects the root object's members, and refuses a name that comes twice at any depth: the library's own parser would
/// silently take the last one. The signatures are those that `basic_parser` calls.
struct Collector {
    static constexpr std::size_t max_object_size = kMembersMax;
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

    using Error = json::error_code;

    struct Container {
        bool is_array = false;
        std::vector<std::string> names;
    };

    JoseObject object;
    std::vector<Container> open;  // from the root inwards
    std::string pending;          // the parts of a string or name so far

    static bool refuse(Error& error) {
        error = json::error::syntax;
        return false;
    }

    // A value that stands in the innermost open container.
    bool value(JoseValue value, Error& error) {
        if (open.empty()) return refuse(error);
        if (open.size() == 1) {
            object.last() = std::move(value);
        } else if (open.size() == 2 && open.back().is_array) {
            auto* texts = std::get_if<Texts>(&object.last());
            auto* text = std::get_if<std::string>(&value);
            if (texts != nullptr && text != nullptr) {
                texts->push_back(std::move(*text));
            } else {
                object.last() = Other{};
            }
        }
        return true;
    }

    bool on_document_begin(Error&) { return true; }
    bool on_document_end(Error&) { return true; }
    bool on_object_begin(Error& error) {
        if (!open.empty() && !value(Other{}, error)) return false;
        open.emplace_back();
        return true;
    }
    bool on_object_end(std::size_t, Error&) {
        open.pop_back();
        return true;
    }
    bool on_array_begin(Error& error) {
        JoseValue start = open.size() == 1 ? JoseValue{Texts{}} : JoseValue{};
        if (!value(std::move(start), error)) return false;
        open.push_back({true, {}});
        return true;
    }
    bool on_array_end(std::size_t, Error&) {
        open.pop_back();
        return true;
    }
    bool on_key_part(json::string_view part, std::size_t, Error&) {
        pending.append(part.data(), part.size());
        return true;
    }
    bool on_key(json::string_view part, std::size_t, Error& error) {
        pending.append(part.data(), part.size());
        auto& names = open.back().names;
        if (std::find(names.begin(), names.end(), pending) != names.end()) return refuse(error);
        if (open.size() == 1) object.add(pending, Other{});
        names.push_back(std::exchange(pending, {}));
        return true;
    }
    bool on_string_part(json::string_view part, std::size_t, Error&) {
        pending.append(part.data(), part.size());
        return true;
    }
    bool on_string(json::string_view part, std::size_t, Error& error) {
        pending.append(part.data(), part.size());
        return value(std::exchange(pending, {}), error);
    }
    bool on_number_part(json::string_view, Error&) { return true; }
    bool on_int64(std::int64_t number, json::string_view, Error& error) { return value(number, error); }
    bool on_uint64(std::uint64_t number, json::string_view, Error& error) {
        return value(static_cast<double>(number), error);
    }
    bool on_double(double number, json::string_view, Error& error) { return value(number, error); }
    bool on_bool(bool, Error& error) { return value(Other{}, error); }
    bool on_null(Error& error) { return value(Other{}, error); }
    bool on_comment_part(json::string_view, Error& error) { return refuse(error); }
    bool on_comment(json::string_view, Error& error) { return refuse(error); }
};

}  // namespace

const JoseValue* JoseObject::find(std::string_view name) const {
    for (const auto& [member, value] : members_) {
        if (member == name) return &value;
    }
    return nullptr;
}

const std::string* JoseObject::text(std::string_view name) const {
    const JoseValue* value = find(name);
    return value == nullptr ? nullptr : std::get_if<std::string>(value);
}

std::optional<JoseObject> parse_jose_object(std::string_view text) {
    json::parse_options options;
    options.max_depth = kDepthMax;
    json::basic_parser<Collector> parser{options};
    json::error_code error;
    const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
    if (error || used != text.size()) return std::nullopt;
    return std::move(parser.handler().object);
}

std::optional<std::vector<JoseObject>> parse_jwk_set(std::string_view text) {
    json::error_code error;
    const json::value set = json::parse({text.data(), text.size()}, error);
    if (error || !set.is_object()) return std::nullopt;
    const json::value* keys = set.as_object().if_contains("keys");
    if (keys == nullptr || !keys->is_array()) return std::nullopt;
    std::vector<JoseObject> objects;
    for (const json::value& key : keys->as_array()) {
        if (!key.is_object()) continue;
        if (auto object = parse_jose_object(json::serialize(key))) objects.push_back(std::move(*object));
    }
    return objects;
}

std::optional<base::TimePoint> numeric_date(const JoseValue& value) {
    double seconds = -1;
    if (const auto* whole = std::get_if<std::int64_t>(&value)) {
        seconds = static_cast<double>(*whole);
    } else if (const auto* real = std::get_if<double>(&value)) {
        seconds = *real;
    }
    if (!(seconds >= 0 && seconds <= kSecondsMax)) return std::nullopt;
    return base::TimePoint{std::chrono::milliseconds{static_cast<std::int64_t>(std::floor(seconds * 1000))}};
}

std::string encode_token_claims(const TokenClaims& claims) {
    const auto text = [](std::string_view from) { return json::string_view{from.data(), from.size()}; };
    json::object out;
    out["iss"] = text(claims.issuer);
    out["aud"] = text(claims.audience);
    out["sub"] = text(claims.subject);
    out["iat"] = claims.issued_at_s;
    out["exp"] = claims.expires_at_s;
    if (!claims.token_id.empty()) out["jti"] = text(claims.token_id);
    if (claims.permissions != nullptr) {
        json::array permissions;
        for (const std::string& permission : *claims.permissions) permissions.emplace_back(text(permission));
        out["permissions"] = std::move(permissions);
    }
    return json::serialize(out);
}

}  // namespace carillon::token
