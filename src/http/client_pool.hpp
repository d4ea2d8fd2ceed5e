#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/errc.hpp"
#include "http/message.hpp"
#include "loop/task.hpp"

namespace carillon::http {

struct ClientPoolConfig {
    std::vector<std::string> urls;  ///< `http://host[:port]` or `https://…`: servers that are all alike
    std::string tls_ca_file;        ///< PEM, instead of the system's; may be empty
    std::chrono::milliseconds call_timeout{4'000};
    std::chrono::milliseconds connect_timeout{1'000};
    std::chrono::milliseconds idle_max{20'000};  ///< shorter than what servers allow, so that none is caught closing
    std::size_t calls_max = 256;                 ///< under way at once, each on a connection of its own
    std::size_t waiting_max = 4'096;             ///< calls that wait for that; more are refused
    int failures_max = 3;                        ///< in a row, then the server is left alone for a while
    std::chrono::milliseconds pause_min{200};    ///< doubles as long as it stays away; refused connections begin it too
    std::chrono::milliseconds pause_max{5'000};
};

/// One request to whichever of the servers can take it.
struct Call {
    Method method = Method::get;
    std::string target;  ///< path and query
    Headers headers;     ///< Host, Content-Length and Connection are added
    std::string body;
    /// Made twice it does no harm: then another server is tried, too, when one took it and gave no answer, or says 503.
    bool repeatable = false;
};

/// Calls to a service behind several addresses, over connections that are kept. What was never sent is tried elsewhere;
/// a server that fails is left alone for a while, then tried with one call; at once, when the last one that answered
/// has failed. An https certificate is verified against the host.
class ClientPool {
 public:
    /// Works on `executor`, a loop of one thread; `clock` outlives it. Throws std::invalid_argument, saying what is
    /// wrong, for a URL or a file that is no good.
    ClientPool(loop::Executor executor, const base::Clock& clock, ClientPoolConfig config);
    ~ClientPool();
    ClientPool(const ClientPool&) = delete;
    ClientPool& operator=(const ClientPool&) = delete;

    /// Ends within about twice the timeout. Errors: an `errc`, or the system's. Thread: any; the calling coroutine goes
    /// on where it was.
    loop::Task<base::Result<Response>> send(Call call);
    /// Whether a call might go out now: not every server is being left alone. Thread: any.
    bool hopeful() const;

 private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace carillon::http
