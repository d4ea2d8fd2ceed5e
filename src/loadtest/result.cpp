#include "loadtest/result.hpp"

namespace carillon::loadtest {

const Phase* Result::phase(std::string_view name) const {
    for (const auto& one : phases) {
        if (one.name == name) return &one;
    }
    return nullptr;
}

double Result::connect_success() const {
    return clients == 0 ? 0 : 100.0 * static_cast<double>(clients_connected) / static_cast<double>(clients);
}

double Result::delivery_rate() const {
    if (deliveries.owed == 0) return 100;
    return 100.0 * static_cast<double>(deliveries.delivered) / static_cast<double>(deliveries.owed);
}

}  // namespace carillon::loadtest
