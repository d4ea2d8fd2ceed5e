#include "http/chunked_decoder.hpp"

#include <algorithm>

namespace carillon::http {
namespace {

constexpr unsigned kSizeDigitsMax = 15;
constexpr std::size_t kLineBytesMax = 1024;

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_field_byte(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return c == '\t' || (byte >= 0x20 && byte != 0x7F);
}

}  // namespace

ChunkedDecoder::Status ChunkedDecoder::decode(std::string_view& in, std::string& body) {
    while (!in.empty()) {
        if (state_ == State::data) {
            if (const auto status = take_data(in, body); status != Status::need_more) return status;
            continue;
        }
        const char c = in.front();
        in.remove_prefix(1);
        if (const auto status = step(c); status != Status::need_more) return status;
        if (state_ == State::data && chunk_bytes_ > body_bytes_max_ - std::min(body.size(), body_bytes_max_)) {
            return Status::too_large;
        }
    }
    return Status::need_more;
}

ChunkedDecoder::Status ChunkedDecoder::take_data(std::string_view& in, std::string& body) {
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_bytes_, in.size()));
    body.append(in.substr(0, take));
    in.remove_prefix(take);
    chunk_bytes_ -= take;
    if (chunk_bytes_ == 0) state_ = State::data_cr;
    return Status::need_more;
}

ChunkedDecoder::Status ChunkedDecoder::step(char c) {
    if (++line_bytes_ > kLineBytesMax) return Status::malformed;
    switch (state_) {
        case State::size:
            if (const int digit = hex_value(c); digit >= 0) {
                if (++size_digits_ > kSizeDigitsMax) return Status::malformed;
                chunk_bytes_ = chunk_bytes_ * 16 + static_cast<unsigned>(digit);
                return Status::need_more;
            }
            if (size_digits_ == 0) return Status::malformed;
            if (c == '\r') {
                state_ = State::size_lf;
            } else if (c == ';') {
                state_ = State::extension;
            } else {
                return Status::malformed;
            }
            return Status::need_more;
        case State::extension:
            if (c == '\r') {
                state_ = State::size_lf;
            } else if (!is_field_byte(c)) {
                return Status::malformed;
            }
            return Status::need_more;
        case State::size_lf:
            if (c != '\n') return Status::malformed;
            line_bytes_ = 0;
            state_ = chunk_bytes_ == 0 ? State::trailer_start : State::data;
            return Status::need_more;
        case State::data_cr:
            if (c != '\r') return Status::malformed;
            state_ = State::data_lf;
            return Status::need_more;
        case State::data_lf:
            if (c != '\n') return Status::malformed;
            line_bytes_ = 0;
            size_digits_ = 0;
            state_ = State::size;
            return Status::need_more;
        case State::trailer_start:
            if (c == '\r') {
                state_ = State::end_lf;
                return Status::need_more;
            }
            state_ = State::trailer;
            return is_field_byte(c) ? Status::need_more : Status::malformed;
        case State::trailer:
            if (c == '\r') {
                state_ = State::trailer_lf;
            } else if (!is_field_byte(c)) {
                return Status::malformed;
            }
            return Status::need_more;
        case State::trailer_lf:
            if (c != '\n') return Status::malformed;
            state_ = State::trailer_start;
            return Status::need_more;
        case State::end_lf:
            return c == '\n' ? Status::complete : Status::malformed;
        case State::data:
            break;
    }
    return Status::malformed;
}

}  // namespace carillon::http
