// The account bodies of rest_bodies.hpp.
#include "contracts/field_reader.hpp"
#include "contracts/json_writer.hpp"
#include "contracts/payload_writers.hpp"
#include "contracts/rest_bodies.hpp"

namespace carillon::contracts {
namespace {

User read_user(FieldReader& in) {
    User user;
    user.id = in.id<base::UserId>("id");
    user.email = in.text("email", {1});
    user.name = in.nullable_text("name", {});
    return user;
}

// `"id":…,"email":…,"name":…`
void append_user_fields(std::string& out, base::UserId id, const std::optional<std::string>& email,
                        const std::optional<std::string>& name) {
    const auto append_nullable = [&out](const std::optional<std::string>& text) {
        if (text) {
            append_json_string(out, *text);
        } else {
            out += "null";
        }
    };
    out += "\"id\":";
    append_id(out, id);
    out += ",\"email\":";
    append_nullable(email);
    out += ",\"name\":";
    append_nullable(name);
}

}  // namespace

Decoded<RegisterRequest> decode_register_request(std::string_view json) {
    return decode_document(json, [](FieldReader& in) {
        RegisterRequest request;
        request.email = in.email("email");
        request.password = in.text("password", {kPasswordCharsMin, kPasswordCharsMax});
        request.name = in.optional_text("name", {1, kUserNameCharsMax});
        return request;
    });
}

Decoded<LoginRequest> decode_login_request(std::string_view json) {
    return decode_document(json, [](FieldReader& in) {
        LoginRequest request;
        request.email = in.text("email", {1, kEmailCharsMax});
        request.password = in.text("password", {1, kPasswordCharsMax});
        return request;
    });
}

Decoded<AuthAnswer> decode_auth_answer(std::string_view json) {
    return decode_document(json, [](FieldReader& in) {
        AuthAnswer answer;
        auto user = in.object("user");
        answer.user = read_user(user);
        answer.access_token = in.text("accessToken", {1});
        answer.expires_in_s = in.count("expiresIn");
        return answer;
    });
}

Decoded<MeAnswer> decode_me_answer(std::string_view json) {
    return decode_document(json, [](FieldReader& in) {
        MeAnswer answer;
        answer.id = in.id<base::UserId>("id");
        answer.email = in.nullable_text("email", {1});
        answer.name = in.nullable_text("name", {});
        answer.permissions = in.texts("permissions");
        return answer;
    });
}

std::string encode_register_request(const RegisterRequest& request) {
    std::string out = "{\"email\":";
    append_json_string(out, request.email);
    out += ",\"password\":";
    append_json_string(out, request.password);
    if (request.name) {
        out += ",\"name\":";
        append_json_string(out, *request.name);
    }
    out.push_back('}');
    return out;
}

std::string encode_login_request(const LoginRequest& request) {
    return encode_register_request(RegisterRequest{request.email, request.password, std::nullopt});
}

std::string encode_auth_answer(const AuthAnswer& answer) {
    std::string out = "{\"user\":{";
    append_user_fields(out, answer.user.id, answer.user.email, answer.user.name);
    out += "},\"accessToken\":";
    append_json_string(out, answer.access_token);
    out += ",\"expiresIn\":";
    append_number(out, answer.expires_in_s);
    out.push_back('}');
    return out;
}

std::string encode_me_answer(const MeAnswer& answer) {
    std::string out = "{";
    append_user_fields(out, answer.id, answer.email, answer.name);
    out += ",\"permissions\":";
    append_list(out, answer.permissions, append_json_string);
    out.push_back('}');
    return out;
}

}  // namespace carillon::contracts
