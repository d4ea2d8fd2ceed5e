#include "store/postgres/blocking_connection.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <stdexcept>
#include <string_view>
#include <thread>

#include "base/log.hpp"
#include "store/open_error.hpp"

namespace carillon::store::postgres {
namespace {

constexpr std::chrono::milliseconds kRetryPause{250};

std::string one_line(std::string_view text) {
    std::string line;
    for (const char c : text) {
        if (c != '\n') {
            line.push_back(c);
        } else if (!line.empty()) {
            line.append("; ");
        }
    }
    while (!line.empty() && (line.back() == ' ' || line.back() == ';')) line.pop_back();
    return line;
}

// What the server says to one that it will never let in does not pass; that it cannot be reached may.
bool may_pass(std::string_view reason) {
    if (reason.find("FATAL") == std::string_view::npos) return true;
    for (const std::string_view state : {"starting up", "shutting down", "recovery", "too many", "slots are"}) {
        if (reason.find(state) != std::string_view::npos) return true;
    }
    return false;
}

}  // namespace

BlockingConnection::BlockingConnection(const ConnectionTarget& target, std::chrono::milliseconds wait)
    : name_{target.describe()} {
    ConnectionTarget wanted = target;
    if (!wanted.find("connect_timeout")) wanted.set("connect_timeout", "5");
    const auto deadline = std::chrono::steady_clock::now() + wait;
    for (bool told = false;; told = true) {
        handle_.reset(PQconnectdbParams(wanted.keywords().data(), wanted.values().data(), 0));
        if (PQstatus(handle_.get()) == CONNECTION_OK) break;
        const std::string reason = one_line(PQerrorMessage(handle_.get()));
        if (!may_pass(reason) || std::chrono::steady_clock::now() > deadline) {
            throw OpenError{fmt::format("--database-url: cannot connect to {}: {}", name_, reason)};
        }
        if (!told) base::log_warn("waiting for the database", {{"database", name_}, {"reason", reason}});
        std::this_thread::sleep_for(kRetryPause);
    }
    PQsetNoticeReceiver(
        handle_.get(), [](void*, const PGresult*) {}, nullptr);
}

void BlockingConnection::Finish::operator()(pg_conn* connection) const {
    PQfinish(connection);
}

BlockingConnection::Result BlockingConnection::execute(const std::string& sql) {
    Result result{PQexec(handle_.get(), sql.c_str()), PQclear};
    const auto status = PQresultStatus(result.get());
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return result;
    const char* message = PQresultErrorField(result.get(), PG_DIAG_MESSAGE_PRIMARY);
    throw std::runtime_error(message != nullptr ? message : one_line(PQerrorMessage(handle_.get())));
}

std::optional<std::string> BlockingConnection::run(const std::string& sql) {
    const auto result = execute(sql);
    if (PQntuples(result.get()) == 0 || PQgetisnull(result.get(), 0, 0) != 0) return std::nullopt;
    return PQgetvalue(result.get(), 0, 0);
}

std::vector<std::string> BlockingConnection::column(const std::string& sql) {
    const auto result = execute(sql);
    std::vector<std::string> values;
    for (int row = 0; row < PQntuples(result.get()); ++row) values.emplace_back(PQgetvalue(result.get(), row, 0));
    return values;
}

int BlockingConnection::integer(const std::string& sql) {
    return std::stoi(run(sql).value_or("0"));
}

bool BlockingConnection::lost() const {
    return PQstatus(handle_.get()) != CONNECTION_OK;
}

int BlockingConnection::server_version() const {
    return PQserverVersion(handle_.get());
}

}  // namespace carillon::store::postgres
