#include "loadtest/payload_text.hpp"

#include <charconv>

namespace carillon::loadtest {
namespace {

std::string_view skip_spaces(std::string_view text) {
    const auto start = text.find_first_not_of(" \t\r\n");
    return start == std::string_view::npos ? std::string_view{} : text.substr(start);
}

}  // namespace

std::string_view inside_array(std::string_view array) {
    if (!array.starts_with('[')) return {};
    const auto end = array.rfind(']');
    return end == std::string_view::npos ? std::string_view{} : array.substr(1, end - 1);
}

EventText split_event(std::string_view array) {
    std::string_view rest = skip_spaces(inside_array(array));
    if (!rest.starts_with('"')) return {};
    rest.remove_prefix(1);
    const auto quote = rest.find('"');
    if (quote == std::string_view::npos) return {};
    EventText event;
    event.name = rest.substr(0, quote);
    rest = skip_spaces(rest.substr(quote + 1));
    if (rest.starts_with(',')) event.arguments = skip_spaces(rest.substr(1));
    return event;
}

std::string_view text_field(std::string_view json, std::string_view name) {
    for (std::size_t at = json.find(name); at != std::string_view::npos; at = json.find(name, at + 1)) {
        const bool quoted_name =
            at > 0 && json[at - 1] == '"' && at + name.size() < json.size() && json[at + name.size()] == '"';
        if (!quoted_name) continue;
        std::string_view rest = skip_spaces(json.substr(at + name.size() + 1));
        if (!rest.starts_with(':')) continue;
        rest = skip_spaces(rest.substr(1));
        if (!rest.starts_with('"')) return rest.substr(0, rest.find_first_of(",}] "));
        rest.remove_prefix(1);
        std::size_t end = 0;
        while (end < rest.size() && rest[end] != '"') end += rest[end] == '\\' ? 2 : 1;
        return rest.substr(0, end);
    }
    return {};
}

std::uint64_t number_field(std::string_view json, std::string_view name) {
    const std::string_view text = text_field(json, name);
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

}  // namespace carillon::loadtest
