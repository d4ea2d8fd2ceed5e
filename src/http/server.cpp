#include "http/server.hpp"

#include <fmt/format.h>

#include <sys/resource.h>
#include <sys/socket.h>
#include <algorithm>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/log.hpp"
#include "http/receive.hpp"
#include "http/session.hpp"

namespace carillon::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr base::SteadyTime::duration kExhaustionLogInterval = std::chrono::seconds{10};
constexpr std::size_t kRefusingMax = 256;
/// How many idle connections make room at once when there is none left.
constexpr std::size_t kEvictMax = 64;
/// How many connections that the kernel has already accepted are still taken when a drain begins.
constexpr std::size_t kDrainAcceptMax = 1'024;

tcp::endpoint resolve(const loop::Executor& executor, const ServerConfig& config) {
    boost::system::error_code ec;
    const auto address = asio::ip::make_address(config.host, ec);
    if (!ec) return {address, config.port};
    tcp::resolver resolver{executor};
    const auto found = resolver.resolve(config.host, std::to_string(config.port), tcp::resolver::passive);
    return found.begin()->endpoint();
}

void listen(tcp::acceptor& acceptor, const loop::Executor& executor, const ServerConfig& config) {
    const auto endpoint = resolve(executor, config);
    acceptor.open(endpoint.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address{true});
    using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
    if (config.sharing == PortSharing::joins) acceptor.set_option(ReusePort{true});
    acceptor.bind(endpoint);
    if (config.sharing == PortSharing::founds) acceptor.set_option(ReusePort{true});
    if (config.sharing != PortSharing::none) note_arrivals(acceptor.native_handle());
    acceptor.listen(tcp::acceptor::max_listen_connections);
    acceptor.non_blocking(true);
}

/// From this descriptor on idle connections make room: the rest is for files, for databases, and for those who come.
std::uint64_t high_descriptor() {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
    return files.rlim_cur - files.rlim_cur / 10;
}

bool is_exhaustion(const boost::system::error_code& ec) {
    return ec == boost::system::errc::too_many_files_open || ec == boost::system::errc::too_many_files_open_in_system ||
           ec == boost::system::errc::no_buffer_space || ec == boost::system::errc::not_enough_memory;
}

/// The limit is the process's, so its servers tell of it together, once in a while.
bool may_tell_of_exhaustion(base::SteadyTime now) {
    static std::atomic<base::SteadyTime::rep> next{base::SteadyTime::min().time_since_epoch().count()};
    auto due = next.load();
    const auto at = now.time_since_epoch();
    return at.count() >= due && next.compare_exchange_strong(due, (at + kExhaustionLogInterval).count());
}

/// How often deadlines are looked at: a fraction of the shortest, so that a wait is late by little.
std::chrono::milliseconds sweep_interval(const ServerConfig& config) {
    const auto shortest = std::min({config.header_timeout, config.body_timeout, config.idle_timeout});
    return std::clamp<std::chrono::milliseconds>(shortest / 8, std::chrono::milliseconds{5},
                                                 std::chrono::milliseconds{500});
}

}  // namespace

struct Server::Impl {
    Impl(loop::Executor server_executor, ServerConfig config, const base::Clock& clock, const Router& router,
         RawEndpoint* raw)
        : executor{std::move(server_executor)},
          host{std::make_shared<SessionHost>(std::move(config), clock, router, raw)},
          acceptor{executor},
          accept_pause{executor},
          sweep_timer{executor} {
        host->descriptors_high = high_descriptor();
    }

    static loop::Task<void> accept(std::shared_ptr<Impl> self);
    static loop::Task<void> sweep(std::shared_ptr<Impl> self);
    void admit(tcp::socket socket);
    void drain();
    void close();

    // Constant after construction.
    const loop::Executor executor;
    const std::shared_ptr<SessionHost> host;
    std::uint16_t port = 0;

    // Touched only on the executor.
    tcp::acceptor acceptor;
    asio::steady_timer accept_pause;
    asio::steady_timer sweep_timer;
    bool closed = false;
};

loop::Task<void> Server::Impl::accept(std::shared_ptr<Impl> self) {
    while (self->acceptor.is_open()) {
        auto [ec, socket] = co_await self->acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
        if (!ec) {
            self->admit(std::move(socket));
            continue;
        }
        if (!self->acceptor.is_open()) break;
        if (!is_exhaustion(ec)) continue;  // the client has gone before it was accepted
        if (may_tell_of_exhaustion(self->host->clock.steady_now())) {
            base::log_error("cannot accept connections, pausing", {{"port", self->port}, {"error", ec.message()}});
        }
        // What nobody uses makes room, if there is any.
        std::size_t evicted = 0;
        while (evicted < kEvictMax && self->host->evict_idle()) ++evicted;
        self->accept_pause.expires_after(kAcceptPause);
        co_await self->accept_pause.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

void Server::Impl::admit(tcp::socket socket) {
    boost::system::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.set_option(tcp::no_delay{true}, ignored);
    // Descriptors are given out lowest first, so that this one's number says how many the process has.
    if (static_cast<std::uint64_t>(socket.native_handle()) >= host->descriptors_high) host->evict_idle();
    const bool full = host->open >= host->config.connections_max;
    const bool refuse = full && !host->evict_idle();
    if (refuse && host->refusing >= kRefusingMax) return;
    Session::start(host, std::move(socket), refuse);
}

loop::Task<void> Server::Impl::sweep(std::shared_ptr<Impl> self) {
    const auto interval = sweep_interval(self->host->config);
    while (!self->closed) {
        self->sweep_timer.expires_after(interval);
        co_await self->sweep_timer.async_wait(asio::as_tuple(asio::use_awaitable));
        const auto now = self->host->clock.steady_now();
        for (auto* session : self->host->sessions) session->expire(now);
    }
}

void Server::Impl::drain() {
    if (host->draining || closed) return;
    host->draining = true;
    for (auto* session : host->sessions) session->close_if_idle();
    boost::system::error_code ec;
    for (std::size_t i = 0; i < kDrainAcceptMax; ++i) {
        tcp::socket socket{executor};
        acceptor.accept(socket, ec);
        if (ec) break;
        admit(std::move(socket));
    }
    acceptor.close(ec);
    accept_pause.cancel();
}

void Server::Impl::close() {
    closed = true;
    boost::system::error_code ignored;
    acceptor.close(ignored);
    accept_pause.cancel();
    sweep_timer.cancel();
    for (auto* session : host->sessions) session->close();
}

Server::Server(loop::Executor executor, ServerConfig config, const base::Clock& clock, const Router& router,
               RawEndpoint* raw)
    : impl_{std::make_shared<Impl>(std::move(executor), std::move(config), clock, router, raw)} {
    const auto& given = impl_->host->config;
    try {
        listen(impl_->acceptor, impl_->executor, given);
        impl_->port = impl_->acceptor.local_endpoint().port();
    } catch (const boost::system::system_error& error) {
        const bool v6 = given.host.find(':') != std::string::npos;
        throw std::system_error{static_cast<std::error_code>(error.code()),
                                fmt::format(fmt::runtime(v6 ? "cannot listen on [{}]:{}" : "cannot listen on {}:{}"),
                                            given.host, given.port)};
    }
}

Server::~Server() {
    close();
}

std::uint16_t Server::port() const {
    return impl_->port;
}

void Server::start() {
    loop::spawn(impl_->executor, Impl::accept(impl_), "http accept");
    loop::spawn(impl_->executor, Impl::sweep(impl_), "http sweep");
}

void Server::drain() {
    asio::post(impl_->executor, [impl = impl_] { impl->drain(); });
}

std::size_t Server::connections() const {
    return impl_->host->open + impl_->host->refusing;
}

void Server::close() {
    impl_->close();
}

}  // namespace carillon::http
