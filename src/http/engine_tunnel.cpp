#include "http/engine_tunnel.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace carillon::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t kChunkBytes = 8 * 1024;
/// After one side has ended, for the other.
constexpr std::chrono::milliseconds kGoodbyeMax{5'000};
constexpr std::chrono::milliseconds kLookMax{5'000};

}  // namespace

EngineTunnel::EngineTunnel(tcp::socket client, std::shared_ptr<ClientConnection> owner, const base::Clock& clock,
                           std::chrono::milliseconds silence_max, std::function<void(EngineTunnel&)> on_end)
    : owner_{std::move(owner)},
      clock_{clock},
      silence_max_{silence_max},
      client_{std::move(client)},
      timer_{client_.get_executor()},
      on_end_{std::move(on_end)},
      last_byte_{clock_.steady_now()} {}

void EngineTunnel::start(std::string to_client, std::string to_owner) {
    const auto executor = client_.get_executor();
    loop::spawn(executor, carry_to_client(shared_from_this(), std::move(to_client)), "tunnel to the client");
    loop::spawn(executor, carry_to_owner(shared_from_this(), std::move(to_owner)), "tunnel to the owner");
    loop::spawn(executor, watch(shared_from_this()), "tunnel watch");
}

void EngineTunnel::end() {
    if (std::exchange(ended_, true)) return;
    boost::system::error_code ignored;
    client_.close(ignored);
    owner_->close();
    timer_.cancel();
    const auto told = std::exchange(on_end_, nullptr);
    if (told) told(*this);
}

void EngineTunnel::side_ended() {
    ++sides_ended_;
    last_byte_ = clock_.steady_now();
    if (sides_ended_ == 2) return end();
    timer_.cancel();  // the watch looks closer from now on
}

loop::Task<void> EngineTunnel::carry_to_owner(std::shared_ptr<EngineTunnel> self, std::string first) {
    if (!first.empty()) {
        auto writing = self->owner_->write(first);
        const auto error = co_await std::move(writing);
        if (error) co_return self->end();
    }
    std::array<char, kChunkBytes> chunk;
    while (!self->ended_) {
        const auto [read_error, size] =
            co_await self->client_.async_read_some(asio::buffer(chunk), asio::as_tuple(asio::use_awaitable));
        if (read_error == asio::error::eof) break;
        if (read_error) co_return self->end();
        self->last_byte_ = self->clock_.steady_now();
        auto writing = self->owner_->write(std::string_view{chunk.data(), size});
        const auto write_error = co_await std::move(writing);
        if (write_error) co_return self->end();
    }
    if (self->ended_) co_return;
    self->owner_->finish_writing();
    self->side_ended();
}

loop::Task<void> EngineTunnel::carry_to_client(std::shared_ptr<EngineTunnel> self, std::string first) {
    std::array<char, kChunkBytes> chunk;
    std::string_view bytes = first;
    while (!self->ended_) {
        if (!bytes.empty()) {
            const auto outgoing = asio::buffer(bytes.data(), bytes.size());
            const auto [write_error, sent] =
                co_await asio::async_write(self->client_, outgoing, asio::as_tuple(asio::use_awaitable));
            if (write_error) co_return self->end();
        }
        auto reading = self->owner_->read_some(std::span{chunk});
        const auto size = co_await std::move(reading);
        if (!size) co_return self->end();
        if (*size == 0) break;
        self->last_byte_ = self->clock_.steady_now();
        bytes = {chunk.data(), *size};
    }
    if (self->ended_) co_return;
    boost::system::error_code ignored;
    self->client_.shutdown(tcp::socket::shutdown_send, ignored);
    self->side_ended();
}

loop::Task<void> EngineTunnel::watch(std::shared_ptr<EngineTunnel> self) {
    while (!self->ended_) {
        const auto silence_max = self->sides_ended_ > 0 ? kGoodbyeMax : self->silence_max_;
        const auto left = self->last_byte_ + silence_max - self->clock_.steady_now();
        if (left <= base::SteadyTime::duration::zero()) co_return self->end();
        self->timer_.expires_after(std::min<base::SteadyTime::duration>(left, kLookMax));
        co_await self->timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

}  // namespace carillon::http
