#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/clock.hpp"
#include "http/cors.hpp"
#include "http/raw_endpoint.hpp"
#include "http/request_parser.hpp"
#include "http/router.hpp"
#include "http/server.hpp"

namespace carillon::http {

class Session;

/// What the sessions of one server share. Touched on the server's executor only, but for the counts.
struct SessionHost {
    SessionHost(ServerConfig server_config, const base::Clock& server_clock, const Router& server_router,
                RawEndpoint* raw_endpoint)
        : config{std::move(server_config)},
          clock{server_clock},
          router{server_router},
          raw{raw_endpoint},
          cors{config.cors.origins} {}

    const ServerConfig config;
    const base::Clock& clock;
    const Router& router;
    RawEndpoint* const raw;
    const CorsPolicy cors;

    std::uint64_t descriptors_high = UINT64_MAX;  ///< see `Server`
    bool draining = false;
    std::unordered_set<Session*> sessions;
    std::list<Session*> idle;                                      ///< those that wait for a request, the longest first
    std::vector<char> read_buffer = std::vector<char>(16 * 1024);  ///< for one read at a time
    std::atomic<std::size_t> open{0};                              ///< admitted connections
    std::atomic<std::size_t> refusing{0};  ///< connections over the limit that are being told so

    /// Closes the connection that has waited longest for a request, for somebody who comes. False when none has for
    /// `kIdleGrace`: who has just come gets the time to speak.
    bool evict_idle();
    static constexpr std::chrono::milliseconds kIdleGrace{1'000};

    /// The time as a `Date` field has it; made anew once a second.
    std::string_view date();

 private:
    std::string date_;
    std::int64_t date_second_ = -1;
};

/// One HTTP/1.1 connection, one coroutine: reads a request, has it answered, writes the answer, and so on. Between
/// requests it holds no buffer. Every wait for the client has a deadline, kept by the server's
/// sweep. Lives as long as its coroutine, or a wait of its peer watch. Thread: the server's executor.
class Session final : public PeerWatch, public std::enable_shared_from_this<Session> {
 public:
    /// Runs a connection until its end. With `refuse` its one request is answered 503.
    static void start(std::shared_ptr<SessionHost> host, boost::asio::ip::tcp::socket socket, bool refuse);

    Session(std::shared_ptr<SessionHost> host, boost::asio::ip::tcp::socket socket, bool refuse);
    ~Session() override;

    /// Ends the wait whose deadline has passed.
    void expire(base::SteadyTime now);
    /// Closes the connection if no request is under way.
    void close_if_idle();
    base::SteadyTime idle_since() const { return idle_since_; }
    void close();

    void on_lost(std::function<void()> lost) override;

 private:
    loop::Task<void> run();
    loop::Task<bool> wait_for_request();
    loop::Task<bool> serve_one();
    loop::Task<bool> read_head(RequestParser& parser);
    loop::Task<bool> read_body(RequestParser& parser, RawBody& body);
    /// Waits until that address may send more; false when the deadline has passed or the connection is closed.
    loop::Task<bool> pace(std::shared_ptr<AddressBudget> address);
    RequestParser::Status parse_body(RequestParser& parser, AddressBudget* address);
    /// Answers a request of the raw endpoint that is refused before its body has come.
    loop::Task<bool> refuse_head(RequestParser& parser);
    loop::Task<Response> answer(Request& request, bool raw_owned, RawBody body);
    loop::Task<Response> answer_raw(Request& request, RawBody body);
    /// Reads some more into the inbox; false at the end of the stream, an error, or the deadline.
    loop::Task<bool> fill();
    /// Reads what is there into the inbox. Would block: no error, and nothing read.
    boost::system::error_code take(bool& some);
    loop::Task<bool> send(Request& request, Response response, bool http_1_0);
    loop::Task<bool> send_text(std::string text);
    loop::Task<bool> send_problem(RequestParser& parser, contracts::Problem problem);
    loop::Task<void> linger();

    void hand_over(Request request);
    void begin_idle();
    void end_idle();
    void set_deadline(std::chrono::milliseconds from_now);
    void clear_deadline();
    void watch();
    void watched(std::uint64_t turn, boost::system::error_code ec);
    void stop_watch();

    // Constant after construction.
    const std::shared_ptr<SessionHost> host_;
    const bool refuse_;
    const std::string remote_address_;

    boost::asio::ip::tcp::socket socket_;
    std::string inbox_;            ///< read and not yet parsed
    std::int64_t arrived_ns_ = 0;  ///< when the last of what was read came
    base::SteadyTime deadline_ = base::SteadyTime::max();
    base::SteadyTime request_started_{};
    std::function<void()> lost_;
    std::uint64_t watch_turn_ = 0;  ///< tells a wait of this request from a stale one
    bool watching_ = false;
    bool timed_out_ = false;
    bool idle_ = true;
    base::SteadyTime idle_since_{};
    std::optional<std::list<Session*>::iterator> in_idle_;  ///< its place among the idle ones
    bool served_any_ = false;
    bool answered_ = false;  ///< something was sent: close gently
    bool handed_over_ = false;
};

}  // namespace carillon::http
