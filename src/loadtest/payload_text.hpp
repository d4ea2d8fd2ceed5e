#pragma once

#include <cstdint>
#include <string_view>

namespace carillon::loadtest {

/// Finding things in the JSON of events without parsing it: the generator must be cheaper than the server that wrote
/// it. Good for what gateways send; not a validator.

struct EventText {
    std::string_view name;
    std::string_view arguments;  ///< behind the name, without the closing bracket
};

/// Takes `["name",…]` apart; empty views when it is no such thing.
EventText split_event(std::string_view array);

/// What is between the brackets of `[…]`; empty when there are none.
std::string_view inside_array(std::string_view array);

/// The value of the first string member of that name, escapes as written; empty when there is none. Also for values
/// without quotes: numbers, true and false.
std::string_view text_field(std::string_view json, std::string_view name);

/// The same as a number, also when it is written as a string; 0 when there is none.
std::uint64_t number_field(std::string_view json, std::string_view name);

}  // namespace carillon::loadtest
