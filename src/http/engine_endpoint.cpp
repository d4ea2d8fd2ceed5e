#include "http/engine_endpoint.hpp"

#include <utility>

#include "http/engine_shard.hpp"

namespace carillon::http {

bool ConnectionBudget::try_take() {
    if (taken_.fetch_add(1, std::memory_order_relaxed) >= max_ && max_ != 0) {
        taken_.fetch_sub(1, std::memory_order_relaxed);
        return false;
    }
    if (shown_ != nullptr) shown_->add(1);
    return true;
}

void ConnectionBudget::give_back() {
    taken_.fetch_sub(1, std::memory_order_relaxed);
    if (shown_ != nullptr) shown_->add(-1);
}

EngineEndpoint::EngineEndpoint(loop::Executor executor, socketio::Server& server, const base::Clock& clock,
                               EngineEndpointConfig config)
    : shard_{std::make_shared<EngineShard>(std::move(executor), server, clock, std::move(config))} {}

EngineEndpoint::~EngineEndpoint() {
    shard_->close();
}

bool EngineEndpoint::owns(std::string_view target) const {
    return target.starts_with(shard_->config().path);
}

std::size_t EngineEndpoint::body_bytes_max() const {
    return shard_->message_bytes_max();
}

std::shared_ptr<AddressBudget> EngineEndpoint::budget_of(const Request& head) {
    return shard_->budget_of(head);
}

std::shared_ptr<void> EngineEndpoint::expect_body(const Request& head) {
    return shard_->expect_body(head);
}

loop::Task<std::optional<Response>> EngineEndpoint::refuse_head(const Request& head) {
    return EngineShard::refuse_head(shard_, head);
}

loop::Task<Response> EngineEndpoint::on_request(Request& request, PeerWatch& peer, RawBody body) {
    return EngineShard::serve(shard_, request, peer, std::move(body));
}

loop::Task<int> EngineEndpoint::on_upgrade(std::shared_ptr<Request> request, UpgradedStream stream) {
    return EngineShard::serve_upgrade(shard_, std::move(request), std::move(stream));
}

void EngineEndpoint::set_siblings(std::vector<EngineEndpoint*> siblings) {
    std::vector<EngineShard*> shards;
    for (const auto* sibling : siblings) shards.push_back(sibling->shard_.get());
    shard_->set_siblings(std::move(shards));
}

void EngineEndpoint::drain() {
    shard_->drain();
}

void EngineEndpoint::close() {
    shard_->close();
}

std::size_t EngineEndpoint::tunnels() const {
    return shard_->tunnels();
}

void EngineEndpoint::end_tunnels(std::size_t count) {
    shard_->end_tunnels(count);
}

std::size_t EngineEndpoint::websockets() const {
    return shard_->websockets();
}

}  // namespace carillon::http
