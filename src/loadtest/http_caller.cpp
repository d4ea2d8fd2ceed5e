#include "loadtest/http_caller.hpp"

#include <utility>

namespace carillon::loadtest {
namespace {

constexpr std::size_t kHeadBytesMax = 64 * 1024;
constexpr std::size_t kBodyBytesMax = 16 * 1024 * 1024;
constexpr std::chrono::seconds kIdleIsSuspect{1};

http::ResponseParser new_parser() {
    return http::ResponseParser{false, kHeadBytesMax, kBodyBytesMax};
}

}  // namespace

class HttpCaller::Connection final : public Stream {
 public:
    Connection(HttpCaller& owner, Reactor& reactor) : Stream{reactor}, owner_{owner} {}

    void start(Call call, base::SteadyTime now) {
        call_ = std::move(call);
        // A server may close what it finds idle just as a request is on its way: that one may be sent again.
        may_be_stale_ = is_open() && now - idle_since_ > kIdleIsSuspect;
        since_ = now;
        busy_ = true;
        if (is_open()) send(call_.text);
    }

    /// Connects when there is something to send. From the tick only.
    void connect() {
        std::string reason;
        if (!open(owner_.endpoint_, nullptr, reason)) finish(0, reason, std::chrono::steady_clock::now());
    }

    void expire(base::SteadyTime now) {
        cut(true);
        finish(0, "no answer in time", now);
    }

    bool busy() const { return busy_; }
    base::SteadyTime since() const { return since_; }
    std::uint64_t tag() const { return call_.tag; }

 private:
    void on_connected() override {
        if (busy_) send(call_.text);
    }

    std::size_t on_bytes(std::string_view bytes, base::SteadyTime now) override {
        if (!busy_) {
            cut(false);
            return 0;
        }
        may_be_stale_ = false;
        inbox_ += bytes;
        if (!parser_) parser_.emplace(new_parser());
        const auto whole = parser_->read(inbox_);
        if (!whole) {
            cut(false);
            finish(0, whole.error().message(), now);
        } else if (*whole) {
            const http::Response response = std::move(parser_->response());
            if (!parser_->keep_alive()) cut(false);
            finish(response.status, response.body, now);
        }
        return bytes.size();
    }

    void on_ended(std::string_view reason) override {
        // Stale: the tick connects and sends again.
        if (!busy_ || std::exchange(may_be_stale_, false)) return;
        finish(0, reason, std::chrono::steady_clock::now());
    }

    void finish(int status, std::string_view body, base::SteadyTime now) {
        busy_ = false;
        idle_since_ = now;
        inbox_ = {};
        parser_.reset();
        owner_.finish(*this, status, body, now);
    }

    HttpCaller& owner_;
    Call call_;
    base::SteadyTime since_{};
    std::string inbox_;
    std::optional<http::ResponseParser> parser_;
    base::SteadyTime idle_since_{};
    bool busy_ = false;
    bool may_be_stale_ = false;
};

HttpCaller::HttpCaller(Reactor& reactor, Endpoint endpoint, std::size_t connections, std::chrono::milliseconds timeout,
                       Answered answered)
    : reactor_{reactor}, endpoint_{std::move(endpoint)}, timeout_{timeout}, answered_{std::move(answered)} {
    for (std::size_t i = 0; i < connections; ++i) {
        connections_.push_back(std::make_unique<Connection>(*this, reactor_));
        free_.push_back(connections_.back().get());
    }
}

HttpCaller::~HttpCaller() = default;

bool HttpCaller::call(std::uint64_t tag, std::string_view method_and_target, std::string_view headers,
                      std::string_view body) {
    if (waiting_.size() >= kWaitingMax) return false;
    Call call;
    call.tag = tag;
    call.text.reserve(method_and_target.size() + headers.size() + body.size() + endpoint_.authority.size() + 80);
    call.text += method_and_target;
    call.text += " HTTP/1.1\r\nHost: ";
    call.text += endpoint_.authority;
    call.text += "\r\n";
    call.text += headers;
    if (!body.empty()) {
        call.text += "Content-Type: application/json\r\nContent-Length: ";
        call.text += std::to_string(body.size());
        call.text += "\r\n";
    }
    call.text += "\r\n";
    call.text += body;
    if (free_.empty()) {
        waiting_.push_back(std::move(call));
        return true;
    }
    Connection* const connection = free_.back();
    free_.pop_back();
    ++busy_;
    connection->start(std::move(call), std::chrono::steady_clock::now());
    return true;
}

void HttpCaller::finish(Connection& connection, int status, std::string_view body, base::SteadyTime now) {
    const std::uint64_t tag = connection.tag();
    if (waiting_.empty()) {
        --busy_;
        free_.push_back(&connection);
    } else {
        Call next = std::move(waiting_.front());
        waiting_.pop_front();
        connection.start(std::move(next), now);
    }
    answered_(tag, status, body, now);
}

void HttpCaller::tick(base::SteadyTime now) {
    if (busy_ == 0) return;
    for (const auto& connection : connections_) {
        if (!connection->busy()) continue;
        if (now - connection->since() > timeout_) {
            connection->expire(now);
        } else if (!connection->is_open()) {
            connection->connect();
        }
    }
}

}  // namespace carillon::loadtest
