#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace carillon::auth {

/// Why `password` is too weak for the account of `email`, as a phrase for the caller; nullopt when it is not. Its
/// length is checked by the contract before.
std::optional<std::string> password_weakness(std::string_view password, std::string_view email);

/// `text` with ASCII letters in lower case: how addresses compare.
std::string fold_case(std::string_view text);

}  // namespace carillon::auth
