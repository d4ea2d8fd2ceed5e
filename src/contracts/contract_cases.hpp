#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Test support: which decoder and encoder stand for which schema.
namespace carillon::contracts {

struct ContractCase {
    /// Below `contracts/`, without ".json": "socket/notification-new".
    std::string schema;
    /// Decodes a text and encodes it again; nothing if the decoder refuses it. Empty where the room only encodes.
    std::function<std::optional<std::string>(std::string_view)> reencode;
};

/// One for each schema.
const std::vector<ContractCase>& contract_cases();

}  // namespace carillon::contracts
