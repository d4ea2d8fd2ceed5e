#include "store/idempotency.hpp"

#include <utility>

#include "contracts/json_writer.hpp"
#include "contracts/rest_bodies.hpp"

namespace carillon::store {
namespace {

constexpr std::string_view kCreatedStart = R"({"created":[)";
constexpr std::string_view kCreatedEnd = "]}";
constexpr std::string_view kNothingFound = R"({"notFound":true})";
constexpr std::string_view kMarkedReadStart = R"({"notificationId":)";
constexpr std::size_t kQuotedIdBytes = 38;

std::string encode(const CreatedIds& created) {
    std::string out{kCreatedStart};
    for (const auto& id : created.ids) {
        if (out.size() > kCreatedStart.size()) out.push_back(',');
        contracts::append_id(out, id);
    }
    out += kCreatedEnd;
    return out;
}

std::string encode(const MarkedRead& read) {
    return contracts::encode_mark_read_answer({read.id, read.read_at, read.state.unread, read.state.version});
}

std::string encode(const ReadAll& read) {
    return contracts::encode_read_all_answer({read.updated, read.state.unread, read.state.version});
}

std::string encode(const NothingFound&) {
    return std::string{kNothingFound};
}

// `ids` are quoted and separated by commas.
std::optional<CreatedIds> decode_ids(std::string_view ids) {
    CreatedIds created;
    while (!ids.empty()) {
        if (ids.size() < kQuotedIdBytes) return std::nullopt;
        const auto id = base::NotificationId::parse(ids.substr(1, kQuotedIdBytes - 2));
        if (!id) return std::nullopt;
        created.ids.push_back(*id);
        ids.remove_prefix(kQuotedIdBytes);
        if (!ids.empty()) ids.remove_prefix(1);
    }
    return created;
}

}  // namespace

std::string encode_first_answer(const FirstAnswer& answer) {
    return std::visit([](const auto& one) { return encode(one); }, answer);
}

std::optional<FirstAnswer> decode_first_answer(std::string_view text) {
    if (text == kNothingFound) return NothingFound{};
    if (text.starts_with(kCreatedStart) && text.ends_with(kCreatedEnd)) {
        text.remove_prefix(kCreatedStart.size());
        text.remove_suffix(kCreatedEnd.size());
        auto created = decode_ids(text);
        if (!created) return std::nullopt;
        return std::move(*created);
    }
    if (text.starts_with(kMarkedReadStart)) {
        const auto read = contracts::decode_mark_read_answer(text);
        if (!read) return std::nullopt;
        return MarkedRead{read->notification_id, read->read_at, {read->unread_count, read->version}, false, true};
    }
    const auto read = contracts::decode_read_all_answer(text);
    if (!read) return std::nullopt;
    return ReadAll{read->updated, {read->unread_count, read->version}, true};
}

}  // namespace carillon::store
