#include "http/response_parser.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <charconv>

#include "http/ascii.hpp"
#include "http/errc.hpp"

namespace carillon::http {

namespace beast = boost::beast;

/// Beast's parser of the status line and the fields. It is given a whole head, and no body.
class ResponseParser::HeadReader final : public beast::http::basic_parser<false> {
 public:
    explicit HeadReader(Response& response) : response_{response} {}

    int version = 11;

 private:
    using Ec = beast::error_code;
    using View = beast::string_view;

    void on_request_impl(beast::http::verb, View, View, int, Ec&) override {}
    void on_response_impl(int status, View, int http_version, Ec&) override {
        response_.status = status;
        version = http_version;
    }
    void on_field_impl(beast::http::field, View name, View value, Ec&) override {
        response_.headers.add(std::string{name}, std::string{value});
    }
    void on_header_impl(Ec&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, Ec&) override {}
    std::size_t on_body_impl(View body, Ec&) override { return body.size(); }
    void on_chunk_header_impl(std::uint64_t, View, Ec&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, View body, Ec&) override { return body.size(); }
    void on_finish_impl(Ec&) override {}

    Response& response_;
};

base::Result<bool> ResponseParser::read(std::string& inbox) {
    while (!in_body_) {
        const auto head = read_head(inbox);
        if (!head || !*head) return head;
    }
    return read_body(inbox);
}

/// True when a head was taken, interim or not.
base::Result<bool> ResponseParser::read_head(std::string& inbox) {
    const auto end = inbox.find("\r\n\r\n");
    if (std::min(end, inbox.size()) > head_bytes_max_) return errc::response_too_large;
    if (end == std::string::npos) return false;
    const auto size = end + 4;
    response_ = {};
    HeadReader reader{response_};
    reader.header_limit(static_cast<std::uint32_t>(size + 1));
    reader.body_limit(boost::none);
    reader.skip(true);
    beast::error_code ec;
    reader.put({inbox.data(), size}, ec);
    inbox.erase(0, size);
    if (ec || !reader.is_done()) return errc::malformed_response;
    if (response_.status >= 100 && response_.status < 200) return true;
    const auto connection = response_.headers.get("connection");
    keep_alive_ =
        reader.version == 11 ? !list_has_token(connection, "close") : list_has_token(connection, "keep-alive");
    return begin_body();
}

base::Result<bool> ResponseParser::begin_body() {
    in_body_ = true;
    const auto& headers = response_.headers;
    if (head_only_ || response_.status == 204 || response_.status == 304) return true;
    if (headers.has("transfer-encoding")) {
        if (!equals_caseless(headers.get("transfer-encoding"), "chunked")) return errc::malformed_response;
        decoder_.emplace(body_bytes_max_);
    } else if (headers.has("content-length")) {
        const auto text = headers.get("content-length");
        const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), content_length_);
        if (ec != std::errc{} || end != text.data() + text.size()) return errc::malformed_response;
        if (content_length_ > body_bytes_max_) return errc::response_too_large;
    } else {
        until_closed_ = true;
        keep_alive_ = false;
    }
    return true;
}

base::Result<bool> ResponseParser::read_body(std::string& inbox) {
    auto& body = response_.body;
    if (decoder_) {
        std::string_view rest = inbox;
        const auto status = decoder_->decode(rest, body);
        inbox.erase(0, inbox.size() - rest.size());
        switch (status) {
            case ChunkedDecoder::Status::need_more:
                return false;
            case ChunkedDecoder::Status::complete:
                return true;
            case ChunkedDecoder::Status::too_large:
                return errc::response_too_large;
            case ChunkedDecoder::Status::malformed:
                return errc::malformed_response;
        }
    }
    if (until_closed_) {
        body += inbox;
        inbox.clear();
        if (body.size() > body_bytes_max_) return errc::response_too_large;
        return false;
    }
    const auto take = std::min<std::uint64_t>(content_length_ - body.size(), inbox.size());
    body.append(inbox, 0, take);
    inbox.erase(0, take);
    return body.size() == content_length_;
}

}  // namespace carillon::http
