#include "contracts/json_value.hpp"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <system_error>
#include <utility>

#include "contracts/json_writer.hpp"

namespace carillon::contracts {
namespace {

constexpr double kSafeIntegerMax = 9007199254740991.0;  // 2^53 - 1
constexpr std::size_t kFewMembers = 16;

bool has_duplicate_names(const std::vector<JsonValue>& members) {
    if (members.size() <= kFewMembers) {
        for (std::size_t i = 1; i < members.size(); ++i) {
            for (std::size_t j = 0; j < i; ++j) {
                if (members[i].name == members[j].name) return true;
            }
        }
        return false;
    }
    std::vector<std::string_view> names;
    names.reserve(members.size());
    for (const auto& member : members) names.emplace_back(member.name);
    std::sort(names.begin(), names.end());
    return std::adjacent_find(names.begin(), names.end()) != names.end();
}

// Builds the tree from the parser's events. A string or number may come in parts, which gather in `text`.
class TreeBuilder {
 public:
    using Error = boost::json::error_code;
    using View = boost::json::string_view;

    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);

    bool on_document_begin(Error&) { return true; }
    bool on_document_end(Error&) { return true; }
    bool on_array_begin(Error&) { return open(JsonValue::Kind::array); }
    bool on_array_end(std::size_t, Error&) { return close(); }
    bool on_object_begin(Error&) { return open(JsonValue::Kind::object); }
    bool on_object_end(std::size_t, Error& error) {
        if (has_duplicate_names(open_.back().items)) {
            name_twice_ = true;
            error = boost::json::error::syntax;
            return false;
        }
        return close();
    }
    bool on_string_part(View part, std::size_t, Error&) { return gather(part); }
    bool on_string(View part, std::size_t, Error&) { return scalar(JsonValue::Kind::string, part); }
    bool on_key_part(View part, std::size_t, Error&) { return gather(part); }
    bool on_key(View part, std::size_t, Error&) {
        gather(part);
        name_ = std::exchange(text_, {});
        return true;
    }
    bool on_number_part(View part, Error&) { return gather(part); }
    bool on_int64(std::int64_t, View part, Error&) { return scalar(JsonValue::Kind::number, part); }
    bool on_uint64(std::uint64_t, View part, Error&) { return scalar(JsonValue::Kind::number, part); }
    bool on_double(double, View part, Error&) { return scalar(JsonValue::Kind::number, part); }
    bool on_bool(bool value, Error&) {
        JsonValue node = make(JsonValue::Kind::boolean);
        node.boolean = value;
        return add(std::move(node));
    }
    bool on_null(Error&) { return add(make(JsonValue::Kind::null)); }
    bool on_comment_part(View, Error&) { return true; }
    bool on_comment(View, Error&) { return true; }

    JsonValue take() { return std::move(root_); }
    bool name_twice() const { return name_twice_; }

 private:
    JsonValue make(JsonValue::Kind kind) {
        JsonValue node;
        node.kind = kind;
        node.name = std::exchange(name_, {});
        return node;
    }
    bool gather(View part) {
        text_.append(part.data(), part.size());
        return true;
    }
    bool scalar(JsonValue::Kind kind, View part) {
        gather(part);
        JsonValue node = make(kind);
        node.text = std::exchange(text_, {});
        return add(std::move(node));
    }
    bool open(JsonValue::Kind kind) {
        open_.push_back(make(kind));
        return true;
    }
    bool close() {
        JsonValue node = std::move(open_.back());
        open_.pop_back();
        return add(std::move(node));
    }
    bool add(JsonValue node) {
        (open_.empty() ? root_ : open_.back().items.emplace_back()) = std::move(node);
        return true;
    }

    JsonValue root_;
    std::vector<JsonValue> open_;  // the arrays and objects that the next value is inside of, outermost first
    std::string name_;
    std::string text_;
    bool name_twice_ = false;
};

Invalid not_json(std::string message) {
    return Invalid{Invalid::Kind::not_json, {FieldError{"", std::move(message)}}};
}

std::string explain(const boost::json::error_code& code) {
    using boost::json::error;
    if (code == error::too_deep) return "is nested more than " + std::to_string(kJsonDepthMax) + " deep";
    if (code == error::extra_data) return "has something after the JSON value";
    if (code == error::incomplete) return "ends before the JSON value does";
    return "is not JSON in UTF-8 (" + code.message() + ")";
}

// The value as a double; nothing if no double holds it.
std::optional<double> to_double(const std::string& text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

const JsonValue* JsonValue::find(std::string_view member) const {
    if (kind != Kind::object) return nullptr;
    for (const auto& item : items) {
        if (item.name == member) return &item;
    }
    return nullptr;
}

Decoded<JsonValue> parse_json(std::string_view text, std::size_t bytes_max) {
    if (text.size() > bytes_max) return not_json("is longer than " + std::to_string(bytes_max) + " bytes");
    boost::json::parse_options options;
    options.max_depth = kJsonDepthMax;
    boost::json::basic_parser<TreeBuilder> parser{options};
    boost::json::error_code error;
    const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
    if (!error && read < text.size()) error = boost::json::error::extra_data;
    if (parser.handler().name_twice()) return not_json("has the same name twice in one object");
    if (error) return not_json(explain(error));
    return parser.handler().take();
}

void append_json(std::string& out, const JsonValue& value) {
    using Kind = JsonValue::Kind;
    switch (value.kind) {
        case Kind::null:
            out += "null";
            return;
        case Kind::boolean:
            out += value.boolean ? "true" : "false";
            return;
        case Kind::number:
            out += value.text;
            return;
        case Kind::string:
            append_json_string(out, value.text);
            return;
        case Kind::array:
        case Kind::object:
            break;
    }
    const bool object = value.is(Kind::object);
    out.push_back(object ? '{' : '[');
    bool first = true;
    for (const auto& item : value.items) {
        if (!std::exchange(first, false)) out.push_back(',');
        if (object) {
            append_json_string(out, item.name);
            out.push_back(':');
        }
        append_json(out, item);
    }
    out.push_back(object ? '}' : ']');
}

std::optional<std::uint64_t> safe_integer(const JsonValue& value) {
    if (!value.is(JsonValue::Kind::number)) return std::nullopt;
    const auto number = to_double(value.text);
    if (!number || *number < 0 || *number > kSafeIntegerMax || std::floor(*number) != *number) return std::nullopt;
    return static_cast<std::uint64_t>(*number);
}

bool is_portable(const JsonValue& value) {
    if (value.name.find('\0') != std::string::npos) return false;
    if (value.is(JsonValue::Kind::string)) return value.text.find('\0') == std::string::npos;
    if (value.is(JsonValue::Kind::number)) return to_double(value.text).has_value();
    return std::all_of(value.items.begin(), value.items.end(), is_portable);
}

}  // namespace carillon::contracts
