#include "http/engine_shard.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "socketio/sid_codec.hpp"
#include "token/token.hpp"

namespace carillon::http {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kReadBufferBytes = 64 * 1024;
constexpr std::size_t kWriteBufferKeptBytes = 256 * 1024;

}  // namespace

EngineShard::EngineShard(loop::Executor executor, socketio::Server& server, const base::Clock& clock,
                         EngineEndpointConfig config)
    : executor_{std::move(executor)},
      server_{server},
      clock_{clock},
      config_{std::move(config)},
      origins_{config_.origins},
      order_{std::make_shared<ArrivalOrder>(executor_)},
      forwarder_{config_.peers ? std::make_shared<EngineForwarder>(executor_, clock, config_.peers) : nullptr},
      timer_{executor_},
      read_bytes_(kReadBufferBytes) {
    server_.on_work([this] { schedule_flush(); });
    server_.on_session_end([budget = config_.budget] {
        if (budget) budget->give_back();
    });
    server_.on_handshake_end([handshakes = config_.handshakes] {
        if (handshakes) handshakes->give_back();
    });
}

void EngineShard::set_siblings(std::vector<EngineShard*> siblings) {
    siblings_ = std::move(siblings);
    std::vector<loop::Executor> executors;
    for (const auto* sibling : siblings_) executors.push_back(sibling->executor_);
    order_->set_shards(std::move(executors));
}

// --- Turns and time --------------------------------------------------------------------------------------------------

void EngineShard::schedule_flush() {
    if (closed_ || std::exchange(flush_scheduled_, true)) return;
    // Behind everything that is ready now: what that emits leaves in the same write.
    asio::post(executor_, [self = shared_from_this()] { self->flush(); });
}

void EngineShard::flush() {
    flush_scheduled_ = false;
    if (closed_) return;
    server_.flush(now());
    arm_timer();
}

void EngineShard::arm_timer() {
    std::optional<base::SteadyTime> next = server_.next_deadline();
    if (!closing_.empty()) next = next ? std::min(*next, closing_.front().deadline) : closing_.front().deadline;
    if (!paused_.empty()) next = next ? std::min(*next, paused_.begin()->first) : paused_.begin()->first;
    // An earlier wake-up than needed is harmless, and cheaper than moving the timer each time.
    if (!next || (armed_at_ && *armed_at_ <= *next)) return;
    armed_at_ = next;
    timer_.expires_after(std::max(*next - now(), base::SteadyTime::duration::zero()));
    timer_.async_wait([self = shared_from_this()](boost::system::error_code ec) {
        if (!ec) self->on_timer();
    });
}

void EngineShard::on_timer() {
    armed_at_.reset();
    if (closed_) return;
    const base::SteadyTime time = now();
    server_.on_time(time);
    while (!closing_.empty() && closing_.front().deadline <= time) {
        const auto connection = closing_.front().connection.lock();
        closing_.pop_front();
        if (connection) connection->abort();
    }
    // One that has to wait again comes behind those that wait already.
    while (!paused_.empty() && paused_.begin()->first <= time) {
        const auto connection = std::move(paused_.begin()->second);
        paused_.erase(paused_.begin());
        connection->resume_reading();
    }
    flush();
}

void EngineShard::close() {
    if (std::exchange(closed_, true)) return;
    server_.close_all("server shutting down");
    server_.flush(now());
    timer_.cancel();
    closing_.clear();
    if (forwarder_) forwarder_->close();
    const std::vector<EngineWebSocket*> all{websockets_.begin(), websockets_.end()};
    for (EngineWebSocket* const one : all) one->abort();
    paused_.clear();
    server_.flush(now());
    server_.on_work(nullptr);
    server_.on_session_end(nullptr);
    server_.on_handshake_end(nullptr);
}

std::string& EngineShard::write_buffer() {
    if (write_bytes_.capacity() > kWriteBufferKeptBytes) write_bytes_ = {};
    write_bytes_.clear();
    return write_bytes_;
}

void EngineShard::expect_end(const std::shared_ptr<EngineWebSocket>& connection) {
    closing_.push_back({now() + config_.close_timeout, connection});
    schedule_flush();
}

void EngineShard::resume_after(std::chrono::milliseconds pause, std::shared_ptr<EngineWebSocket> connection) {
    if (closed_) return;
    paused_.emplace(now() + pause, std::move(connection));
    schedule_flush();
}

// --- Sessions --------------------------------------------------------------------------------------------------------

std::optional<EngineShard::Refused> EngineShard::admit(AddressBudget* address) {
    const auto later = config_.retry_after.count();
    if (draining_ || closed_) return refuse("draining", 503, "Server is draining", later);
    if (address != nullptr) {
        if (const auto wait = address->take_connect(now())) {
            return refuse("address", 429, "Too many handshakes from this address",
                          std::chrono::ceil<std::chrono::seconds>(*wait).count());
        }
    }
    if (config_.handshakes && !config_.handshakes->try_take()) {
        return refuse("handshakes", 503, "Too many handshakes at once", later);
    }
    if (config_.budget && !config_.budget->try_take()) {
        if (config_.handshakes) config_.handshakes->give_back();
        return refuse("connections", 503, "Too many connections", later);
    }
    return std::nullopt;
}

EngineShard::Refused EngineShard::refuse(std::string_view counted_as, int status, std::string_view reason,
                                         std::int64_t retry_after_s) const {
    if (config_.on_refused) config_.on_refused(counted_as);
    return {status, reason, retry_after_s};
}

std::shared_ptr<AddressBudget> EngineShard::budget_of_address(std::string_view address) const {
    return config_.addresses ? config_.addresses->of(address) : nullptr;
}

std::shared_ptr<AddressBudget> EngineShard::budget_of(const Request& head) const {
    // What another node passes on was paid for there.
    if (head.method != Method::post || (head.headers.has(kForwardedHeader) && may_be_passed_on(head))) return nullptr;
    return budget_of_address(head.remote_address);
}

std::shared_ptr<EngineShard> EngineShard::owner_of(std::string_view sid) {
    const auto owner = server_.config().sids->owner_of(sid);
    if (!owner || owner->node != server_.config().sids->node() || owner->shard >= siblings_.size()) {
        return shared_from_this();
    }
    return siblings_[owner->shard]->shared_from_this();
}

std::optional<std::string> EngineShard::other_node(const Request& request, std::string_view sid) const {
    if (!forwarder_ || sid.starts_with(server_.config().sids->node())) return std::nullopt;
    auto owner = server_.config().sids->owner_of(sid);
    if (!owner) return std::nullopt;
    if (request.headers.has(kForwardedHeader)) {
        // Whoever passed it on was wrong about who we are. It goes no further.
        if (config_.peers->count) config_.peers->count("loop");
        return std::nullopt;
    }
    return std::move(owner->node);
}

bool EngineShard::may_be_passed_on(const Request& request) const {
    if (!request.headers.has(kForwardedHeader)) return true;
    const auto text = token::bearer_token(request.headers.get(kForwardedHeader));
    return forwarder_ && !text.empty() && config_.peers->verify(text);
}

}  // namespace carillon::http
