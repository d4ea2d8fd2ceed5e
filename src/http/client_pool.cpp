#include "http/client_pool.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <stdexcept>

#include "base/log.hpp"
#include "http/client_connection.hpp"
#include "loop/run_on.hpp"
#include "loop/suspend.hpp"

namespace carillon::http {
namespace {

/// What a server looks like from here. Touched only on the pool's executor.
struct Server {
    Endpoint endpoint;
    std::string url;
    std::vector<std::shared_ptr<ClientConnection>> idle;
    int failures = 0;
    std::chrono::milliseconds pause{0};
    base::SteadyTime closed_until{};
    bool probing = false;   ///< one call is out to see whether it is back
    bool answered = false;  ///< since it was last left alone

    bool left_alone(base::SteadyTime now) const { return pause.count() > 0 && (now < closed_until || probing); }
};

}  // namespace

struct ClientPool::Impl : std::enable_shared_from_this<ClientPool::Impl> {
    Impl(loop::Executor pool_executor, const base::Clock& pool_clock, ClientPoolConfig pool_config)
        : executor{std::move(pool_executor)}, clock{pool_clock}, config{std::move(pool_config)} {}

    /// How one try ended.
    struct Try {
        base::Result<Response> answer;
        bool sent = false;  ///< the server may have acted on it
    };

    static loop::Task<base::Result<Response>> send(std::shared_ptr<Impl> self, Call call);
    static loop::Task<base::Result<Response>> send_admitted(std::shared_ptr<Impl> self, const Call& call,
                                                            base::SteadyTime deadline);
    static loop::Task<Try> try_server(std::shared_ptr<Impl> self, Server& server, const Call& call,
                                      base::SteadyTime deadline);
    static loop::Task<bool> admit(std::shared_ptr<Impl> self);
    void leave();
    Server* choose(const std::vector<Server*>& tried);
    void failed(Server& server, bool refused);
    void forget_pauses(const Server& but);
    void worked(Server& server);
    void note_hope();
    std::shared_ptr<ClientConnection> take_idle(Server& server);

    // Constant after construction.
    const loop::Executor executor;
    const base::Clock& clock;
    const ClientPoolConfig config;
    std::optional<boost::asio::ssl::context> tls;

    std::atomic<bool> hope{true};
    // Touched only on the executor.
    std::vector<Server> servers;
    std::size_t turn = 0;
    std::size_t under_way = 0;
    std::deque<loop::Resume<bool>> waiting;
};

ClientPool::ClientPool(loop::Executor executor, const base::Clock& clock, ClientPoolConfig config)
    : impl_{std::make_shared<Impl>(std::move(executor), clock, std::move(config))} {
    if (impl_->config.urls.empty()) throw std::invalid_argument{"wants at least one URL"};
    for (const auto& url : impl_->config.urls) {
        auto endpoint = parse_endpoint(url);
        if (!endpoint) throw std::invalid_argument{"wants http:// or https:// URLs, not '" + url + "'"};
        if (endpoint->tls && !impl_->tls) {
            impl_->tls.emplace(make_tls_context(impl_->config.tls_ca_file));
        }
        Server server;
        server.endpoint = std::move(*endpoint);
        server.url = url;
        impl_->servers.push_back(std::move(server));
    }
}

ClientPool::~ClientPool() = default;

loop::Task<base::Result<Response>> ClientPool::send(Call call) {
    return loop::run_on(impl_->executor, Impl::send(impl_, std::move(call)));
}

bool ClientPool::hopeful() const {
    return impl_->hope;
}

// --- Admission -------------------------------------------------------------------------------------------------------

loop::Task<bool> ClientPool::Impl::admit(std::shared_ptr<Impl> self) {
    if (self->under_way < self->config.calls_max) {
        ++self->under_way;
        co_return true;
    }
    if (self->waiting.size() >= self->config.waiting_max) co_return false;
    std::function<void(loop::Resume<bool>)> start = [&self](loop::Resume<bool> resume) {
        self->waiting.push_back(std::move(resume));
    };
    // Whoever leaves hands its place over.
    co_return co_await loop::suspend<bool>(start);
}

void ClientPool::Impl::leave() {
    if (waiting.empty()) {
        --under_way;
        return;
    }
    const auto next = std::move(waiting.front());
    waiting.pop_front();
    next(true);
}

loop::Task<base::Result<Response>> ClientPool::Impl::send(std::shared_ptr<Impl> self, Call call) {
    const auto deadline = self->clock.steady_now() + self->config.call_timeout;
    auto admitting = admit(self);
    if (!co_await std::move(admitting)) co_return errc::overloaded;
    base::Result<Response> answer = errc::timeout;
    if (self->clock.steady_now() < deadline) {
        try {
            auto sending = send_admitted(self, call, deadline);
            answer = co_await std::move(sending);
        } catch (const std::exception& failure) {
            base::log_error("a call to a service failed", {{"target", call.target}, {"error", failure.what()}});
            answer = errc::closed;
        }
    }
    self->leave();
    co_return answer;
}

// --- Choosing a server -----------------------------------------------------------------------------------------------

Server* ClientPool::Impl::choose(const std::vector<Server*>& tried) {
    const auto now = clock.steady_now();
    for (std::size_t i = 0; i < servers.size(); ++i) {
        auto& server = servers[(turn + i) % servers.size()];
        if (std::find(tried.begin(), tried.end(), &server) != tried.end() || server.left_alone(now)) continue;
        turn = (turn + i + 1) % servers.size();
        if (server.pause.count() > 0) server.probing = true;
        return &server;
    }
    return nullptr;
}

void ClientPool::Impl::failed(Server& server, bool refused) {
    const bool was_probing = std::exchange(server.probing, false);
    ++server.failures;
    if (!refused && !was_probing && server.failures < config.failures_max) return;
    if (server.pause.count() == 0) base::log_warn("a service does not answer and is left alone", {{"url", server.url}});
    server.pause = std::clamp(server.pause * 2, config.pause_min, config.pause_max);
    server.closed_until = clock.steady_now() + server.pause;
    for (const auto& connection : server.idle) connection->close();
    server.idle.clear();
    note_hope();
    // The last one that answered has gone, as in a rolling restart: what is known of the others is from before.
    if (std::exchange(server.answered, false) && !hope) forget_pauses(server);
}

void ClientPool::Impl::forget_pauses(const Server& but) {
    for (auto& server : servers) {
        if (&server == &but) continue;
        server.pause = std::chrono::milliseconds{0};
        server.failures = 0;
    }
    note_hope();
}

void ClientPool::Impl::worked(Server& server) {
    if (server.pause.count() > 0) base::log_info("a service answers again", {{"url", server.url}});
    server.failures = 0;
    server.pause = std::chrono::milliseconds{0};
    server.probing = false;
    server.answered = true;
    note_hope();
}

void ClientPool::Impl::note_hope() {
    hope = std::any_of(servers.begin(), servers.end(), [](const Server& server) { return server.pause.count() == 0; });
}

loop::Task<base::Result<Response>> ClientPool::Impl::send_admitted(std::shared_ptr<Impl> self, const Call& call,
                                                                   base::SteadyTime deadline) {
    base::Result<Response> last = errc::left_alone;
    std::vector<Server*> tried;
    while (self->clock.steady_now() < deadline) {
        auto* server = self->choose(tried);
        if (server == nullptr) break;
        tried.push_back(server);
        auto trying = try_server(self, *server, call, deadline);
        auto end = co_await std::move(trying);
        last = std::move(end.answer);
        if (last && last->status != 503) co_return last;
        if (!last && end.sent && !call.repeatable) co_return last;
        if (last && !call.repeatable) co_return last;
    }
    co_return last;
}

std::shared_ptr<ClientConnection> ClientPool::Impl::take_idle(Server& server) {
    const auto now = clock.steady_now();
    while (!server.idle.empty()) {
        auto connection = std::move(server.idle.back());
        server.idle.pop_back();
        if (now - connection->idle_since < config.idle_max && connection->reusable()) return connection;
        connection->close();
    }
    return nullptr;
}

loop::Task<ClientPool::Impl::Try> ClientPool::Impl::try_server(std::shared_ptr<Impl> self, Server& server,
                                                               const Call& call, base::SteadyTime deadline) {
    const auto time_left = [&self, deadline] {
        return std::chrono::ceil<std::chrono::milliseconds>(deadline - self->clock.steady_now());
    };
    auto connection = self->take_idle(server);
    bool reused = connection != nullptr;
    while (true) {
        if (!connection) {
            connection =
                std::make_shared<ClientConnection>(self->executor, server.endpoint.tls ? &*self->tls : nullptr);
            auto connecting = connection->connect(server.endpoint, std::min(self->config.connect_timeout, time_left()));
            const auto error = co_await std::move(connecting);
            if (error) {
                self->failed(server, true);
                co_return Try{error, false};
            }
        }
        auto bytes = request_bytes(server.endpoint, call.method, call.target, call.headers, call.body);
        auto exchanging = connection->exchange(std::move(bytes), call.method == Method::head, time_left());
        auto answer = co_await std::move(exchanging);
        if (answer) {
            self->worked(server);
            connection->idle_since = self->clock.steady_now();
            if (connection->reusable()) server.idle.push_back(connection);
            // The newest is taken first: those that a busy moment left behind go from the other end.
            const auto stale = [&](const auto& one) {
                return connection->idle_since - one->idle_since >= self->config.idle_max;
            };
            while (!server.idle.empty() && stale(server.idle.front())) {
                server.idle.front()->close();
                server.idle.erase(server.idle.begin());
            }
            co_return Try{std::move(answer), true};
        }
        connection->close();
        // A kept connection may have been closed by the server just when the request went out.
        const bool stale = reused && !connection->answer_began() && answer.error() != make_error_code(errc::timeout);
        if (stale && call.repeatable) {
            connection.reset();
            reused = false;
            continue;
        }
        self->failed(server, false);
        co_return Try{std::move(answer), true};
    }
}

}  // namespace carillon::http
