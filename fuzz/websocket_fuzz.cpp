// The WebSocket decoder: the same messages, however the bytes arrive.
#include <algorithm>
#include <string>
#include <vector>

#include "require.hpp"
#include "socketio/utf8.hpp"
#include "socketio/websocket_codec.hpp"

using namespace carillon;
using fuzz::require;
using socketio::CloseCode;

namespace {

constexpr std::size_t kMessageMax = 1'000;

struct Heard final : socketio::WebSocketEvents {
    bool on_message(bool binary, std::string_view data) override {
        require(data.size() <= kMessageMax, "a message keeps to its limit");
        require(binary || socketio::is_valid_utf8(data), "a text is valid UTF-8");
        require(!closed, "nothing comes after a close");
        all.push_back((binary ? "b" : "t") + std::string{data});
        return true;
    }
    bool on_ping(std::string_view data) override {
        require(data.size() <= 125, "a ping is short");
        require(!closed, "nothing comes after a close");
        all.push_back("p" + std::string{data});
        return true;
    }
    void on_close(CloseCode code) override {
        require(!closed, "a close comes once");
        closed = true;
        all.push_back("c" + std::to_string(static_cast<int>(code)));
        std::string frame;
        socketio::append_close_frame(frame, code);
        require(frame.size() == (code == CloseCode::none ? 2U : 4U), "a close can be echoed");
    }

    std::vector<std::string> all;
    bool closed = false;
};

struct Result {
    std::vector<std::string> heard;
    CloseCode failed = CloseCode::none;
    friend bool operator==(const Result&, const Result&) = default;
};

Result decode(std::string bytes, std::size_t step) {
    socketio::WebSocketDecoder decoder{kMessageMax};
    Heard heard;
    Result result;
    for (std::size_t at = 0; at < bytes.size() && result.failed == CloseCode::none; at += step) {
        result.failed = decoder.decode({bytes.data() + at, std::min(step, bytes.size() - at)}, heard);
    }
    result.heard = heard.all;
    return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes{fuzz::as_text(data, size)};
    const Result at_once = decode(bytes, bytes.size() + 1);
    for (const std::size_t step : {1UL, 3UL, 64UL}) {
        require(decode(bytes, step) == at_once, "messages do not depend on how their bytes arrive");
    }
    require(socketio::websocket_accept(bytes).size() <= 28, "a key is answered with a digest");
    return 0;
}
