#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "loop/descriptor_watch.hpp"
#include "loop/task.hpp"
#include "store/postgres/connection_target.hpp"
#include "store/postgres/parameters.hpp"
#include "store/postgres/rows.hpp"

extern "C" {
struct pg_conn;
struct pg_result;
}

namespace carillon::store::postgres {

/// One statement of the room's SQL. Lives as long as the process; prepared once in each session, under its name.
struct Statement {
    const char* name;
    const char* sql;
};

/// Statements that go to the server in one write. They run in order; when one fails the rest is skipped. Without a
/// BEGIN among them, all are one transaction.
class Request {
 public:
    struct Step {
        const Statement* statement;
        Parameters parameters;
    };

    Request() = default;
    explicit Request(const Statement& statement, Parameters parameters = {}) { add(statement, std::move(parameters)); }
    Request& add(const Statement& statement, Parameters parameters = {}) {
        steps_.push_back({&statement, std::move(parameters)});
        return *this;
    }
    std::vector<Step>& steps() { return steps_; }

 private:
    std::vector<Step> steps_;
};

/// SQLSTATE of a change in a database, or a server, that takes none.
inline constexpr std::string_view kReadOnly = "25006";

struct Failure {
    std::string sqlstate;  ///< five characters; empty: the connection was lost, and nobody knows what was done
    std::string message;
    bool lost() const { return sqlstate.empty(); }
};

/// What the statements of a request gave, in their order; of a failed one, those before it.
struct Reply {
    std::vector<Rows> rows;
    std::optional<Failure> failure;
};

/// One connection to the server from its start to its end, in libpq's pipeline mode: requests are sent at once, and
/// answered in order. Never blocks. Nobody uses it after `alive` is false; the pool makes another.
///
/// Thread: the executor's, for everything.
class Session : public std::enable_shared_from_this<Session> {
 public:
    /// Either a session, with `statements` prepared, or why there is none.
    struct Connected {
        std::shared_ptr<Session> session;
        std::string failure;
    };
    static loop::Task<Connected> connect(loop::Executor executor, ConnectionTarget target,
                                         std::vector<const Statement*> statements, base::SteadyTime deadline);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// `answer` is called once, and must only post.
    using Answer = std::function<void(Reply)>;
    void send(Request request, base::SteadyTime deadline, Answer answer);
    /// The same for a coroutine.
    static loop::Task<Reply> call(std::shared_ptr<Session> session, Request request, base::SteadyTime deadline);

    bool alive() const { return handle_ != nullptr; }
    std::size_t in_flight() const { return pending_.size(); }
    /// Called once, when the session has ended by itself.
    void on_lost(std::function<void(std::string reason)> told) { lost_ = std::move(told); }
    /// Ends the session when a request is past its deadline: what comes after it in the pipeline cannot be answered
    /// either.
    void expire(base::SteadyTime now);
    /// Ends it now, as if the connection had been lost.
    void give_up(const std::string& reason) { end(reason); }
    /// The same without telling the listener.
    void close(const std::string& reason);

 private:
    struct Pending {
        std::size_t steps = 0;
        std::size_t ended = 0;
        Reply reply;
        base::SteadyTime deadline;
        Answer answer;
    };

    explicit Session(loop::Executor executor) : executor_{std::move(executor)} {}

    static loop::Task<std::string> establish(std::shared_ptr<Session> self, ConnectionTarget target,
                                             base::SteadyTime deadline);
    static loop::Task<std::string> prepare(std::shared_ptr<Session> self, std::vector<const Statement*> statements,
                                           base::SteadyTime deadline);
    void start_reading();
    void read();
    bool take_results();
    void take_result(pg_result* result);
    void flush();
    void end(const std::string& reason);
    std::string error_text() const;

    const loop::Executor executor_;
    pg_conn* handle_ = nullptr;
    std::optional<loop::DescriptorWatch> watch_;
    std::deque<Pending> pending_;
    bool flushing_ = false;
    std::function<void(std::string)> lost_;
};

}  // namespace carillon::store::postgres
