#include "store/postgres/session.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "loop/suspend.hpp"

namespace carillon::store::postgres {
namespace {

void drop_notice(void*, const PGresult*) {}

std::string first_line(std::string_view text) {
    std::string line{text.substr(0, text.find('\n'))};
    return line.empty() ? "no reason given" : line;
}

// Waits for the descriptor; false when the deadline comes first. For one direction at a time.
loop::Task<bool> until_ready(loop::Executor executor, int descriptor, bool reading, base::SteadyTime deadline) {
    boost::asio::steady_timer timer{executor, deadline};
    loop::DescriptorWatch watch{executor, descriptor};
    bool ready = false;
    std::function<void()> then = [&ready, &timer] {
        ready = true;
        timer.cancel();
    };
    if (reading) {
        watch.when_readable(std::move(then));
    } else {
        watch.when_writable(std::move(then));
    }
    co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    co_return ready;
}

}  // namespace

loop::Task<Session::Connected> Session::connect(loop::Executor executor, ConnectionTarget target,
                                                std::vector<const Statement*> statements, base::SteadyTime deadline) {
    const std::shared_ptr<Session> session{new Session{std::move(executor)}};
    auto resolving = ConnectionTarget::resolved(std::move(target));
    auto resolved = co_await std::move(resolving);
    Connected connected;
    if (!resolved) {
        connected.failure = "the host name has no address";
        co_return connected;
    }
    auto establishing = establish(session, std::move(*resolved), deadline);
    connected.failure = co_await std::move(establishing);
    if (!connected.failure.empty()) co_return connected;
    session->start_reading();
    auto preparing = prepare(session, std::move(statements), deadline);
    connected.failure = co_await std::move(preparing);
    if (connected.failure.empty()) connected.session = session;
    co_return connected;
}

loop::Task<std::string> Session::establish(std::shared_ptr<Session> self, ConnectionTarget target,
                                           base::SteadyTime deadline) {
    self->handle_ = PQconnectStartParams(target.keywords().data(), target.values().data(), 0);
    if (self->handle_ == nullptr) co_return "out of memory";
    auto wanted = PQstatus(self->handle_) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    while (wanted == PGRES_POLLING_READING || wanted == PGRES_POLLING_WRITING) {
        // The socket may be another one after each step.
        auto waiting = until_ready(self->executor_, PQsocket(self->handle_), wanted == PGRES_POLLING_READING, deadline);
        const bool ready = co_await std::move(waiting);
        if (!ready) co_return "the server did not answer in time";
        wanted = PQconnectPoll(self->handle_);
    }
    if (wanted != PGRES_POLLING_OK) co_return self->error_text();
    PQsetNoticeReceiver(self->handle_, drop_notice, nullptr);
    if (PQsetnonblocking(self->handle_, 1) != 0 || PQenterPipelineMode(self->handle_) != 1) {
        co_return self->error_text();
    }
    co_return std::string{};
}

loop::Task<std::string> Session::prepare(std::shared_ptr<Session> self, std::vector<const Statement*> statements,
                                         base::SteadyTime deadline) {
    boost::asio::steady_timer done{self->executor_, deadline};
    std::optional<Reply> reply;
    for (const auto* statement : statements) {
        PQsendPrepare(self->handle_, statement->name, statement->sql, 0, nullptr);
    }
    PQpipelineSync(self->handle_);
    Pending pending;
    pending.steps = statements.size();
    pending.deadline = deadline;
    pending.answer = [&reply, &done](Reply given) {
        reply = std::move(given);
        done.cancel();
    };
    self->pending_.push_back(std::move(pending));
    self->flush();
    if (!reply) co_await done.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    if (!reply) {
        self->pending_.clear();  // its answer refers to this frame
        self->close("");
        co_return "the server did not answer in time";
    }
    co_return reply->failure ? reply->failure->message : std::string{};
}

Session::~Session() {
    watch_.reset();
    PQfinish(handle_);
}

std::string Session::error_text() const {
    return first_line(PQerrorMessage(handle_));
}

void Session::send(Request request, base::SteadyTime deadline, Answer answer) {
    if (!alive()) {
        answer({{}, Failure{{}, "the connection was lost"}});
        return;
    }
    Pending pending;
    pending.steps = request.steps().size();
    pending.deadline = deadline;
    pending.answer = std::move(answer);
    pending_.push_back(std::move(pending));
    bool queued = true;
    for (auto& [statement, parameters] : request.steps()) {
        queued = queued && PQsendQueryPrepared(handle_, statement->name, static_cast<int>(parameters.size()),
                                               parameters.pointers(), parameters.lengths(), parameters.formats(),
                                               1 /* binary results */) == 1;
    }
    if (!queued || PQpipelineSync(handle_) != 1) {
        end(error_text());
        return;
    }
    flush();
}

loop::Task<Reply> Session::call(std::shared_ptr<Session> session, Request request, base::SteadyTime deadline) {
    std::function<void(loop::Resume<Reply>)> start = [&session, &request, deadline](loop::Resume<Reply> resume) {
        session->send(std::move(request), deadline, std::move(resume));
    };
    auto waiting = loop::suspend<Reply>(std::move(start));
    co_return co_await std::move(waiting);
}

void Session::start_reading() {
    watch_.emplace(executor_, PQsocket(handle_));
    watch_->when_readable([this] { read(); });
}

void Session::read() {
    const auto keep = shared_from_this();
    if (PQconsumeInput(handle_) != 1) {
        end(error_text());
        return;
    }
    if (!take_results()) return;
    if (PQstatus(handle_) != CONNECTION_OK) {
        end(error_text());
        return;
    }
    flush();
    if (alive()) watch_->when_readable([this] { read(); });
}

// False when the session has ended.
bool Session::take_results() {
    while (!pending_.empty() && PQisBusy(handle_) == 0) {
        PGresult* result = PQgetResult(handle_);
        if (result == nullptr) {
            ++pending_.front().ended;  // of one statement
            continue;
        }
        take_result(result);
        if (!alive()) return false;
    }
    return true;
}

void Session::take_result(pg_result* result) {
    Pending& current = pending_.front();
    Rows rows{result};
    switch (PQresultStatus(result)) {
        case PGRES_COMMAND_OK:
        case PGRES_TUPLES_OK:
            current.reply.rows.push_back(std::move(rows));
            return;
        case PGRES_PIPELINE_ABORTED:
            return;  // skipped, because one before it failed
        case PGRES_PIPELINE_SYNC: {
            Pending done = std::move(current);
            pending_.pop_front();
            done.answer(std::move(done.reply));
            return;
        }
        default:
            break;
    }
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char* message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (state == nullptr || PQstatus(handle_) != CONNECTION_OK) {
        end(message != nullptr ? message : first_line(PQresultErrorMessage(result)));
        return;
    }
    if (!current.reply.failure) current.reply.failure = Failure{state, message != nullptr ? message : ""};
}

void Session::flush() {
    if (!alive()) return;
    const int left = PQflush(handle_);
    if (left < 0) {
        end(error_text());
    } else if (left > 0 && !flushing_) {
        flushing_ = true;
        watch_->when_writable([this] {
            const auto keep = shared_from_this();
            flushing_ = false;
            flush();
        });
    }
}

void Session::expire(base::SteadyTime now) {
    const bool late =
        std::any_of(pending_.begin(), pending_.end(), [now](const Pending& one) { return one.deadline < now; });
    if (late) end("the server did not answer in time");
}

void Session::close(const std::string& reason) {
    lost_ = nullptr;
    end(reason);
}

void Session::end(const std::string& reason) {
    if (!alive()) return;
    const auto keep = shared_from_this();
    watch_.reset();
    PQfinish(std::exchange(handle_, nullptr));
    auto pending = std::exchange(pending_, {});
    for (auto& one : pending) {
        one.reply.failure = Failure{{}, reason};
        one.answer(std::move(one.reply));
    }
    if (const auto told = std::exchange(lost_, nullptr)) told(reason);
}

}  // namespace carillon::store::postgres
