// Query strings and request targets.
#include <algorithm>
#include <string>

#include "http/uri.hpp"
#include "require.hpp"
#include "socketio/engine_request.hpp"

using namespace carillon;
using fuzz::require;

namespace {

std::string percent_encode(std::string_view text) {
    static constexpr char kHex[] = "0123456789abcdef";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        out += {'%', kHex[byte >> 4], kHex[byte & 0x0F]};
    }
    return out;
}

template <class Parse>
void check_query(std::string_view query, Parse parse) {
    const auto pairs = parse(query);
    const auto ampersands = static_cast<std::size_t>(std::count(query.begin(), query.end(), '&'));
    require(pairs.size() <= ampersands + 1, "no more parameters than there are parts");
    std::string again;
    for (const auto& [name, value] : pairs) {
        if (!again.empty()) again += '&';
        again += percent_encode(name) + "=" + percent_encode(value);
    }
    require(parse(again) == pairs, "decoded parameters encode to the same ones");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::as_text(data, size);
    check_query(text, [](std::string_view query) { return socketio::parse_query(query); });
    check_query(text, [](std::string_view query) { return http::parse_query(query); });
    if (const auto decoded = http::percent_decode(text, false)) {
        require(http::percent_decode(percent_encode(*decoded), false) == decoded, "percent-decoding has one meaning");
    }
    const auto target = http::parse_target(text);
    if (!target) return 0;
    require(target->path.starts_with('/'), "a path begins with a slash");
    require(std::none_of(target->path.begin(), target->path.end(),
                         [](char c) { return static_cast<unsigned char>(c) < 0x20; }),
            "no control character in a path");
    require(target->origin_form == "*" || target->origin_form.starts_with('/'), "the origin form is a path");
    return 0;
}
