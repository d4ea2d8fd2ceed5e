#include "contracts/validation.hpp"

namespace carillon::contracts {

std::string Invalid::summary() const {
    std::string line;
    for (const auto& error : errors) {
        if (!line.empty()) line += "; ";
        line += error.path.empty() ? "the payload" : error.path;
        line += kind == Kind::not_json || error.path.empty() ? " " : ": ";
        line += error.message;
    }
    return line;
}

}  // namespace carillon::contracts
