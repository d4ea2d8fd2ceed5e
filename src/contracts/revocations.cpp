#include "contracts/revocations.hpp"

#include "contracts/field_reader.hpp"
#include "contracts/json_writer.hpp"

namespace carillon::contracts {
namespace {

// A page of the auth service's list: 1,000 of at most 1.5 KB.
constexpr std::size_t kAnswerBytesMax = 4 * 1024 * 1024;

Revocation read_revocation(FieldReader& in) {
    Revocation revocation;
    revocation.user_id = in.id<base::UserId>("userId");
    revocation.token_id = in.optional_text("tokenId", {1, kTokenIdCharsMax});
    revocation.issued_before = in.time("issuedBefore");
    revocation.revoked_at = in.time("revokedAt");
    revocation.expires_at = in.time("expiresAt");
    return revocation;
}

// `"userId":…,…,"expiresAt":…`
void append_revocation_fields(std::string& out, const Revocation& revocation) {
    out += "\"userId\":";
    append_id(out, revocation.user_id);
    if (revocation.token_id) {
        out += ",\"tokenId\":";
        append_json_string(out, *revocation.token_id);
    }
    out += ",\"issuedBefore\":";
    append_time(out, revocation.issued_before);
    out += ",\"revokedAt\":";
    append_time(out, revocation.revoked_at);
    out += ",\"expiresAt\":";
    append_time(out, revocation.expires_at);
}

}  // namespace

std::string encode_bus_event(const TokenRevoked& event) {
    std::string out = "{\"eventId\":";
    append_id(out, event.event_id);
    out.push_back(',');
    append_revocation_fields(out, event.revocation);
    out.push_back('}');
    return out;
}

Decoded<TokenRevoked> decode_token_revoked(std::string_view json) {
    return decode_document(json, [](FieldReader& in) {
        TokenRevoked event;
        event.event_id = in.id<base::EventId>("eventId");
        event.revocation = read_revocation(in);
        return event;
    });
}

std::string encode_revocation(const Revocation& revocation) {
    std::string out = "{";
    append_revocation_fields(out, revocation);
    out.push_back('}');
    return out;
}

Decoded<Revocation> decode_revocation(std::string_view json) {
    return decode_document(json, [](FieldReader& in) { return read_revocation(in); });
}

std::string encode_revoke_request(const RevokeRequest& request) {
    std::string out = "{";
    if (request.token_id) {
        out += "\"tokenId\":";
        append_json_string(out, *request.token_id);
    }
    if (request.issued_before) {
        out += request.token_id ? ",\"issuedBefore\":" : "\"issuedBefore\":";
        append_time(out, *request.issued_before);
    }
    out.push_back('}');
    return out;
}

Decoded<RevokeRequest> decode_revoke_request(std::string_view json) {
    return decode_document(json.empty() ? "{}" : json, [](FieldReader& in) {
        RevokeRequest request;
        request.token_id = in.optional_text("tokenId", {1, kTokenIdCharsMax});
        if (in.has("issuedBefore")) request.issued_before = in.time("issuedBefore");
        return request;
    });
}

std::string encode_revocations_answer(const RevocationsAnswer& answer) {
    std::string out = "{\"revocations\":[";
    for (const auto& item : answer.revocations) {
        if (out.back() != '[') out.push_back(',');
        out += "{\"id\":";
        append_uuid(out, item.id);
        out.push_back(',');
        append_revocation_fields(out, item.revocation);
        out.push_back('}');
    }
    out += "],\"hasMore\":";
    out += answer.has_more ? "true" : "false";
    out += ",\"asOf\":";
    append_time(out, answer.as_of);
    out.push_back('}');
    return out;
}

Decoded<RevocationsAnswer> decode_revocations_answer(std::string_view json) {
    return decode_document(
        json,
        [](FieldReader& in) {
            RevocationsAnswer answer;
            in.each_object("revocations", [&answer](FieldReader& item) {
                const auto id = item.id<base::EventId>("id");
                answer.revocations.push_back({id.uuid, read_revocation(item)});
            });
            answer.has_more = in.boolean("hasMore");
            answer.as_of = in.time("asOf");
            return answer;
        },
        kAnswerBytesMax);
}

}  // namespace carillon::contracts
