#include "http/request_parser.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <charconv>
#include <utility>

#include "http/ascii.hpp"
#include "http/uri.hpp"

namespace carillon::http {
namespace {

namespace beast = boost::beast;

Method method_of(beast::http::verb verb) {
    switch (verb) {
        case beast::http::verb::get:
            return Method::get;
        case beast::http::verb::head:
            return Method::head;
        case beast::http::verb::post:
            return Method::post;
        case beast::http::verb::put:
            return Method::put;
        case beast::http::verb::patch:
            return Method::patch;
        case beast::http::verb::delete_:
            return Method::del;
        case beast::http::verb::options:
            return Method::options;
        default:
            return Method::other;
    }
}

constexpr std::uint64_t kReservedBytesMax = 64 * 1024;

/// Whether a list that may be spread over several fields holds the token.
bool has_token(const Headers& headers, std::string_view name, std::string_view token) {
    const auto& all = headers.all();
    return std::any_of(all.begin(), all.end(), [&](const auto& field) {
        return equals_caseless(field.first, name) && list_has_token(field.second, token);
    });
}

bool is_token_byte(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7F && std::string_view{"\"(),/:;<=>?@[\\]{}"}.find(c) == std::string_view::npos;
}

}  // namespace

/// Beast's parser of the request line and the fields. It is given a whole head, and no body.
class RequestParser::HeadReader final : public beast::http::basic_parser<true> {
 public:
    HeadReader(Request& request, std::size_t fields_max) : request_{request}, fields_left_{fields_max} {}

    std::string target;
    int version = 11;
    bool too_many_fields = false;

 private:
    using Ec = beast::error_code;
    using View = beast::string_view;

    void on_request_impl(beast::http::verb verb, View method, View text, int http_version, Ec&) override {
        request_.method = method_of(verb);
        request_.method_text = method;
        target = text;
        version = http_version;
    }
    void on_field_impl(beast::http::field, View name, View value, Ec& ec) override {
        if (fields_left_ == 0) {
            too_many_fields = true;
            ec = beast::http::error::header_limit;
            return;
        }
        --fields_left_;
        request_.headers.add(std::string{name}, std::string{value});
    }
    void on_response_impl(int, View, int, Ec&) override {}
    void on_header_impl(Ec&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, Ec&) override {}
    std::size_t on_body_impl(View body, Ec&) override { return body.size(); }
    void on_chunk_header_impl(std::uint64_t, View, Ec&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, View body, Ec&) override { return body.size(); }
    void on_finish_impl(Ec&) override {}

    Request& request_;
    std::size_t fields_left_;
};

RequestParser::Status RequestParser::fail(int status, std::string detail) {
    failed_ = true;
    error_ = {status, std::move(detail)};
    request_.keep_alive = false;
    return Status::failed;
}

bool RequestParser::check_line(std::string_view line) {
    if (line.find('\r') != std::string_view::npos || line.find('\0') != std::string_view::npos) {
        fail(400, "A line of the head has a bare CR or a NUL byte in it.");
        return false;
    }
    if (std::exchange(first_line_, false)) return true;
    if (line.front() == ' ' || line.front() == '\t') {
        fail(400, "A header field is folded over several lines.");
        return false;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0 || line[colon - 1] == ' ' || line[colon - 1] == '\t') {
        fail(400, "A header field has no name, no colon, or white space before its colon.");
        return false;
    }
    return true;
}

std::optional<std::size_t> RequestParser::find_head_end(std::string_view inbox) {
    for (;;) {
        const auto lf = inbox.find('\n', line_start_);
        if (lf == std::string_view::npos) return std::nullopt;
        if (lf == line_start_ || inbox[lf - 1] != '\r') {
            fail(400, "A line of the head does not end with CR LF.");
            return std::nullopt;
        }
        const auto line = inbox.substr(line_start_, lf - 1 - line_start_);
        line_start_ = lf + 1;
        if (line.empty()) return line_start_;
        if (!check_line(line)) return std::nullopt;
    }
}

RequestParser::Status RequestParser::read_head(std::string& inbox) {
    // Empty lines before a request are tolerated, as RFC 9112 section 2.2 wants.
    while (line_start_ == 0 && inbox.starts_with("\r\n")) inbox.erase(0, 2);
    if (inbox.empty() || inbox == "\r") return Status::need_more;
    if (!is_token_byte(inbox.front())) return fail(400, "This is not HTTP.");
    const auto end = find_head_end(inbox);
    if (failed_) return Status::failed;
    if (end.value_or(inbox.size()) > header_bytes_max_) return fail(431, "The head of the request is too long.");
    if (!end) return Status::need_more;
    const auto status = parse_head(std::string_view{inbox}.substr(0, *end));
    inbox.erase(0, *end);
    return status;
}

RequestParser::Status RequestParser::parse_head(std::string_view head) {
    HeadReader reader{request_, header_fields_max_};
    reader.header_limit(static_cast<std::uint32_t>(head.size() + 1));
    reader.body_limit(boost::none);
    reader.skip(true);
    beast::error_code ec;
    reader.put({head.data(), head.size()}, ec);
    if (reader.too_many_fields) return fail(431, "The request has too many header fields.");
    if (ec == beast::http::error::bad_version) return fail(505, "This version of HTTP is not spoken here.");
    if (ec || !reader.is_done()) return fail(400, "The head of the request is malformed: " + ec.message() + ".");
    http_1_0_ = reader.version == 10;
    const auto& headers = request_.headers;
    request_.keep_alive =
        !has_token(headers, "connection", "close") && (!http_1_0_ || has_token(headers, "connection", "keep-alive"));
    if (const auto status = check_target(reader.target); status == Status::failed) return status;
    return check_framing();
}

RequestParser::Status RequestParser::check_target(std::string_view text) {
    auto target = parse_target(text);
    if (!target || (text == "*" && request_.method != Method::options)) {
        return fail(400, "The request target is malformed.");
    }
    if (const auto hosts = request_.headers.count("host"); hosts > 1 || (hosts == 0 && !http_1_0_)) {
        return fail(400, "A request has exactly one Host field.");
    }
    // RFC 9112 section 3.2.2: the target's authority replaces Host.
    if (!target->authority.empty()) request_.headers.set("Host", std::move(target->authority));
    request_.target = std::move(target->origin_form);
    request_.path = std::move(target->path);
    request_.query = std::move(target->query);
    return Status::complete;
}

RequestParser::Status RequestParser::check_framing() {
    const auto& headers = request_.headers;
    const auto lengths = headers.count("content-length");
    const auto codings = headers.count("transfer-encoding");
    if (lengths > 1 || codings > 1 || (lengths > 0 && codings > 0)) {
        return fail(400, "The length of the body is ambiguous.");
    }
    if (codings > 0) {
        if (http_1_0_) return fail(400, "HTTP/1.0 has no Transfer-Encoding.");
        if (!equals_caseless(headers.get("transfer-encoding"), "chunked")) {
            return fail(501, "The only transfer coding here is chunked.");
        }
        chunked_ = true;
    }
    if (lengths > 0) {
        const auto text = headers.get("content-length");
        const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), content_length_);
        if (ec != std::errc{} || end != text.data() + text.size()) return fail(400, "Content-Length is no number.");
    }
    if (const auto expect = headers.get("expect"); !expect.empty() && !http_1_0_) {
        if (!equals_caseless(expect, "100-continue")) return fail(417, "The only expectation met is 100-continue.");
        expects_continue_ = has_body();
    }
    limit_body(0);
    return Status::complete;
}

void RequestParser::limit_body(std::size_t bytes_max) {
    if (chunked_) decoder_.emplace(bytes_max);
}

RequestParser::Status RequestParser::read_body(std::string& inbox) {
    auto& body = request_.body;
    if (!chunked_) {
        const auto take = std::min<std::uint64_t>(content_length_ - body.size(), inbox.size());
        // A claim of a length is not yet a reason to take the memory.
        if (body.empty()) body.reserve(std::min<std::uint64_t>(content_length_, kReservedBytesMax));
        body.append(inbox, 0, take);
        inbox.erase(0, take);
        return body.size() == content_length_ ? Status::complete : Status::need_more;
    }
    std::string_view rest = inbox;
    const auto status = decoder_->decode(rest, body);
    inbox.erase(0, inbox.size() - rest.size());
    switch (status) {
        case ChunkedDecoder::Status::need_more:
            return Status::need_more;
        case ChunkedDecoder::Status::complete:
            return Status::complete;
        case ChunkedDecoder::Status::too_large:
            return fail(413, "The body is too long.");
        case ChunkedDecoder::Status::malformed:
            break;
    }
    return fail(400, "The chunked body is malformed.");
}

bool RequestParser::is_websocket_upgrade() const {
    if (request_.method != Method::get || http_1_0_) return false;
    const auto& headers = request_.headers;
    return has_token(headers, "connection", "upgrade") && has_token(headers, "upgrade", "websocket");
}

}  // namespace carillon::http
