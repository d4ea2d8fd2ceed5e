#include "http/engine_forwarder.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <charconv>
#include <utility>

#include "base/log.hpp"
#include "http/ascii.hpp"
#include "http/engine_http.hpp"
#include "http/errc.hpp"
#include "http/router.hpp"
#include "socketio/engine_request.hpp"

namespace carillon::http {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kIdlePerNodeMax = 256;
constexpr std::size_t kUpgradeHeadBytesMax = 8 * 1024;
/// What of a request the owner looks at. Its origin was looked at here.
constexpr std::string_view kPassedOn[] = {"Content-Type", "traceparent"};
constexpr std::string_view kUpgradeFields[] = {"Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version",
                                               "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"};
constexpr std::string_view kAnswerFields[] = {"Content-Type", "Cache-Control", "Retry-After", "Allow"};

Response session_unknown() {
    Response response;
    response.status = socketio::refusal_status(socketio::Refusal::unknown_sid);
    response.body = socketio::refusal_body(socketio::Refusal::unknown_sid);
    response.headers.set("Content-Type", "application/json");
    return response;
}

Response unavailable() {
    return problem_response(contracts::problem_unavailable(1, "The gateway of this session cannot be reached now."));
}

Response failed_with(int status) {
    return status == 503 ? unavailable() : session_unknown();
}

int status_of_head(std::string_view head) {
    int status = 0;
    if (!head.starts_with("HTTP/1.1 ") || head.size() < 12) return 0;
    std::from_chars(head.data() + 9, head.data() + 12, status);
    return status;
}

void log_refused_token(const std::string& url, int status) {
    base::log_error("another gateway does not take a request that was passed on",
                    {{"url", url},
                     {"status", status},
                     {"do", status == 401 ? "give all gateways the same --internal-secret, and look at their clocks"
                                          : "look at --advertise-url: it must lead to the gateway itself"}});
}

void log_if_tls(const std::string& url, base::ErrorCode error) {
    if (error.category() != boost::asio::error::get_ssl_category()) return;
    base::log_error("cannot have a TLS connection to another gateway",
                    {{"url", url},
                     {"error", error.message()},
                     {"do", "look at --services-ca here, and at the certificate at its --advertise-url"}});
}

}  // namespace

/// A place among what is under way, and the connection that serves it.
class EngineForwarder::Turn {
 public:
    explicit Turn(std::shared_ptr<EngineForwarder> of) : of_{std::move(of)} { ++of_->under_way_; }
    ~Turn() {
        --of_->under_way_;
        let_go();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    void use(const std::shared_ptr<ClientConnection>& connection) {
        let_go();
        connection_ = connection;
        of_->busy_.insert(connection_.get());
        if (lost_) connection_->close();
    }
    /// The client has gone.
    void lose() {
        lost_ = true;
        if (connection_) connection_->close();
    }
    bool lost() const { return lost_; }

 private:
    void let_go() {
        if (connection_) of_->busy_.erase(connection_.get());
        connection_.reset();
    }

    const std::shared_ptr<EngineForwarder> of_;
    std::shared_ptr<ClientConnection> connection_;
    bool lost_ = false;
};

EngineForwarder::EngineForwarder(loop::Executor executor, const base::Clock& clock,
                                 std::shared_ptr<const EnginePeers> peers)
    : executor_{std::move(executor)}, clock_{clock}, peers_{std::move(peers)}, sweep_timer_{executor_} {
    // A file that is no good is said at start, not when the first https URL comes up.
    if (!peers_->tls_ca_file.empty()) tls_.emplace(make_tls_context(peers_->tls_ca_file));
}

void EngineForwarder::count(std::string_view result) const {
    if (peers_->count) peers_->count(result);
}

// --- Where to, and how ----------------------------------------------------------------------------------------------

loop::Task<base::Result<EngineForwarder::Place, int>> EngineForwarder::place_of(std::shared_ptr<EngineForwarder> self,
                                                                                std::string node) {
    if (self->closed_) co_return 503;
    if (self->under_way_ > self->peers_->requests_max) {
        self->count("overloaded");
        co_return 503;
    }
    auto finding = self->peers_->find(std::move(node));
    const auto url = co_await std::move(finding);
    if (!url) {
        self->count("not_reached");
        co_return 503;
    }
    if (!*url) {
        self->count("no_node");
        co_return 400;
    }
    auto endpoint = parse_endpoint(**url);
    if (!endpoint) {
        base::log_error("another gateway says that it is at what is no URL", {{"url", **url}});
        self->count("not_reached");
        co_return 400;
    }
    co_return Place{std::move(*endpoint), **url};
}

std::shared_ptr<ClientConnection> EngineForwarder::new_connection(const Endpoint& endpoint) {
    if (endpoint.tls && !tls_) tls_.emplace(make_tls_context({}));
    return std::make_shared<ClientConnection>(executor_, endpoint.tls ? &*tls_ : nullptr);
}

std::shared_ptr<ClientConnection> EngineForwarder::take_idle(const std::string& url) {
    auto& idle = idle_[url];
    while (!idle.empty()) {
        auto connection = std::move(idle.back());
        idle.pop_back();
        if (clock_.steady_now() - connection->idle_since < peers_->idle_max && connection->reusable())
            return connection;
        connection->close();
    }
    idle_.erase(url);
    return nullptr;
}

void EngineForwarder::keep(const std::string& url, const std::shared_ptr<ClientConnection>& connection) {
    if (closed_ || !connection->reusable()) return connection->close();
    auto& idle = idle_[url];
    if (idle.size() >= kIdlePerNodeMax) return connection->close();
    connection->idle_since = clock_.steady_now();
    idle.push_back(connection);
    sweep_later();
}

void EngineForwarder::sweep_later() {
    if (std::exchange(sweeping_, true)) return;
    sweep_timer_.expires_after(peers_->idle_max);
    sweep_timer_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
        const auto self = weak.lock();
        if (error || !self) return;
        self->sweeping_ = false;
        self->sweep();
    });
}

void EngineForwarder::sweep() {
    const auto now = clock_.steady_now();
    for (auto at = idle_.begin(); at != idle_.end();) {
        std::erase_if(at->second, [&](const std::shared_ptr<ClientConnection>& connection) {
            const bool stale = now - connection->idle_since >= peers_->idle_max || !connection->reusable();
            if (stale) connection->close();
            return stale;
        });
        at = at->second.empty() ? idle_.erase(at) : std::next(at);
    }
    if (!idle_.empty()) sweep_later();
}

Headers EngineForwarder::own_headers(const Request& request) const {
    Headers headers;
    headers.set(std::string{kForwardedHeader}, "Bearer " + peers_->sign());
    headers.set(std::string{kForwardedClientHeader}, request.remote_address);
    for (const auto name : kPassedOn) {
        const auto value = request.headers.get(name);
        if (!value.empty()) headers.set(std::string{name}, std::string{value});
    }
    headers.set("traceparent", request.traceparent);
    return headers;
}

// --- Polling --------------------------------------------------------------------------------------------------------

loop::Task<Response> EngineForwarder::forward(std::shared_ptr<EngineForwarder> self, Request& request, std::string node,
                                              PeerWatch& peer) {
    const auto turn = std::make_shared<Turn>(self);
    auto finding = place_of(self, node);
    const auto place = co_await std::move(finding);
    if (!place) co_return failed_with(place.error());
    peer.on_lost([turn] { turn->lose(); });
    const bool get = request.method == Method::get;
    const auto bytes =
        request_bytes(place->endpoint, request.method, request.target, self->own_headers(request), request.body);
    auto connection = self->take_idle(place->url);
    bool kept = connection != nullptr;
    while (true) {
        if (!connection) {
            connection = self->new_connection(place->endpoint);
            turn->use(connection);
            auto connecting = connection->connect(place->endpoint, self->peers_->connect_max);
            const auto error = co_await std::move(connecting);
            if (error || turn->lost() || self->closed_) {
                if (error) log_if_tls(place->url, error);
                self->count("not_reached");
                if (error && !turn->lost()) self->peers_->doubt(node);
                co_return session_unknown();
            }
        } else {
            turn->use(connection);
        }
        auto exchanging = connection->exchange(bytes, false, get ? self->peers_->hold_max : self->peers_->answer_max);
        auto answer = co_await std::move(exchanging);
        if (!answer) {
            connection->close();
            // A kept connection may have been closed just when the request went out. Only a GET is sent again: a POST
            // might be taken twice.
            const bool stale = kept && get && !turn->lost() && !connection->answer_began() &&
                               answer.error() != make_error_code(errc::timeout);
            connection.reset();
            if (std::exchange(kept, false) && stale) continue;
            self->count("not_reached");
            if (!turn->lost()) self->peers_->doubt(node);
            co_return unavailable();
        }
        self->keep(place->url, connection);
        if (answer->status == 401 || answer->status == 404) {
            log_refused_token(place->url, answer->status);
            self->count("refused");
            co_return unavailable();
        }
        self->count("answered");
        Response response;
        response.status = answer->status;
        response.body = std::move(answer->body);
        for (const auto name : kAnswerFields) {
            const auto value = answer->headers.get(name);
            if (!value.empty()) response.headers.set(std::string{name}, std::string{value});
        }
        co_return response;
    }
}

// --- WebSockets -----------------------------------------------------------------------------------------------------

loop::Task<int> EngineForwarder::tunnel(std::shared_ptr<EngineForwarder> self, std::shared_ptr<Request> request,
                                        std::string node, UpgradedStream stream) {
    const auto turn = std::make_shared<Turn>(self);
    auto finding = place_of(self, node);
    const auto place = co_await std::move(finding);
    if (!place) {
        co_return refuse_upgrade(stream.socket, place.error(),
                                 place.error() == 503 ? "Unavailable" : "Session ID unknown",
                                 place.error() == 503 ? "Retry-After: 1" : "");
    }
    auto connection = self->new_connection(place->endpoint);
    turn->use(connection);
    auto connecting = connection->connect(place->endpoint, self->peers_->connect_max);
    const auto error = co_await std::move(connecting);
    if (error || self->closed_) {
        if (error) log_if_tls(place->url, error);
        self->count("not_reached");
        if (error) self->peers_->doubt(node);
        co_return refuse_upgrade(stream.socket, 400, "Session ID unknown");
    }
    auto headers = self->own_headers(*request);
    headers.set("Connection", "Upgrade");
    for (const auto name : kUpgradeFields) {
        const auto value = request->headers.get(name);
        if (!value.empty()) headers.set(std::string{name}, std::string{value});
    }
    auto bytes = request_bytes(place->endpoint, Method::get, request->target, headers, {});
    auto asking = connection->ask_for_upgrade(std::move(bytes), kUpgradeHeadBytesMax, self->peers_->answer_max);
    auto head = co_await std::move(asking);
    const int status = head ? status_of_head(*head) : 0;
    if (status != 101 || self->closed_) {
        connection->close();
        if (status == 401 || status == 404) log_refused_token(place->url, status);
        self->count(status == 0 ? "not_reached" : "refused");
        const bool clients_fault = status == 400 || status == 403 || status == 426;
        co_return refuse_upgrade(stream.socket, clients_fault ? status : 503,
                                 clients_fault ? "Session ID unknown" : "Unavailable",
                                 clients_fault ? "" : "Retry-After: 1");
    }
    self->count("tunnelled");
    auto carried =
        std::make_shared<EngineTunnel>(std::move(stream.socket), connection, self->clock_, self->peers_->silence_max,
                                       [weak = self->weak_from_this(), turn](EngineTunnel& ended) {
                                           if (const auto alive = weak.lock()) alive->tunnels_.erase(&ended);
                                       });
    self->tunnels_.insert(carried.get());
    carried->start(std::move(*head), std::move(stream.already_read));
    co_return 101;
}

void EngineForwarder::end_tunnels(std::size_t count) {
    std::vector<std::shared_ptr<EngineTunnel>> ending;
    for (auto* const one : tunnels_) {
        if (ending.size() == count) break;
        ending.push_back(one->shared_from_this());
    }
    for (const auto& one : ending) one->end();
}

void EngineForwarder::close() {
    closed_ = true;
    end_tunnels(tunnels_.size());
    const std::vector<ClientConnection*> busy{busy_.begin(), busy_.end()};
    for (auto* const one : busy) one->close();
    for (auto& [url, idle] : idle_) {
        for (const auto& one : idle) one->close();
    }
    idle_.clear();
    sweep_timer_.cancel();
}

}  // namespace carillon::http
