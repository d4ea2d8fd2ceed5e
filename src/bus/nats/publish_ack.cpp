#include "bus/nats/publish_ack.hpp"

#include <boost/json.hpp>

namespace carillon::bus {
namespace {

namespace json = boost::json;

std::uint64_t number_of(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    if (value == nullptr) return 0;
    if (value->is_uint64()) return value->get_uint64();
    return value->is_int64() && value->get_int64() > 0 ? static_cast<std::uint64_t>(value->get_int64()) : 0;
}

}  // namespace

PublishAck parse_publish_ack(std::string_view text) {
    PublishAck ack;
    boost::system::error_code failure;
    const auto value = json::parse({text.data(), text.size()}, failure);
    if (failure || !value.is_object()) {
        ack.error = "no acknowledgement of JetStream";
        return ack;
    }
    const auto& object = value.get_object();
    if (const auto* error = object.if_contains("error"); error != nullptr && error->is_object()) {
        const auto& fields = error->get_object();
        ack.error_code = static_cast<int>(number_of(fields, "err_code"));
        const auto* description = fields.if_contains("description");
        if (description != nullptr && description->is_string()) ack.error = description->get_string().c_str();
        if (ack.error.empty()) ack.error = "refused";
        return ack;
    }
    ack.sequence = number_of(object, "seq");
    ack.stored = ack.sequence > 0;
    if (!ack.stored) ack.error = "no acknowledgement of JetStream";
    if (const auto* duplicate = object.if_contains("duplicate"))
        ack.duplicate = duplicate->is_bool() && duplicate->get_bool();
    return ack;
}

}  // namespace carillon::bus
