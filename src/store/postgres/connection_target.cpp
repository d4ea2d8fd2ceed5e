#include "store/postgres/connection_target.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "loop/resolve.hpp"
#include "store/open_error.hpp"

namespace carillon::store::postgres {
namespace {

std::vector<std::string> split(const std::string& list) {
    std::vector<std::string> parts;
    std::size_t from = 0;
    for (;;) {
        const auto comma = list.find(',', from);
        parts.push_back(list.substr(from, comma - from));
        if (comma == std::string::npos) return parts;
        from = comma + 1;
    }
}

std::string join(const std::vector<std::string>& parts) {
    std::string list;
    for (std::size_t i = 0; i < parts.size(); ++i) list += (i == 0 ? "" : ",") + parts[i];
    return list;
}

bool needs_look_up(const std::string& host) {
    if (host.empty() || host.front() == '/' || host.front() == '@') return false;
    std::array<unsigned char, sizeof(in6_addr)> address{};
    return inet_pton(AF_INET, host.c_str(), address.data()) != 1 &&
           inet_pton(AF_INET6, host.c_str(), address.data()) != 1;
}

}  // namespace

ConnectionTarget ConnectionTarget::parse(const std::string& url) {
    char* error = nullptr;
    const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options{PQconninfoParse(url.c_str(), &error),
                                                                                 PQconninfoFree};
    PQfreemem(error);
    if (options == nullptr || url.empty()) {
        throw OpenError{
            "--database-url: wants postgres://USER:PASSWORD@HOST:PORT/DATABASE or libpq's keyword=value pairs"};
    }
    ConnectionTarget target;
    for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
        if (option->val != nullptr) target.settings_.emplace_back(option->keyword, option->val);
    }
    return target;
}

ConnectionTarget ConnectionTarget::for_schema(const std::string& schema) const {
    ConnectionTarget target = *this;
    target.set("client_encoding", "UTF8");
    if (!find("application_name")) target.set("application_name", "carillon/" + schema);
    // A peer that vanished without a word is found out in about 20 s; calls have deadlines of their own.
    if (!find("keepalives_idle")) target.set("keepalives_idle", "10");
    if (!find("keepalives_interval")) target.set("keepalives_interval", "3");
    if (!find("keepalives_count")) target.set("keepalives_count", "3");
    target.set_option("search_path", schema);
    target.set_option("timezone", "UTC");
    target.set_option("default_transaction_isolation", "read\\ committed");
    // Statements are planned once, for any values. Each has its index, whatever the statistics say at that moment.
    target.set_option("plan_cache_mode", "force_generic_plan");
    target.set_option("enable_seqscan", "off");
    target.set_option("enable_hashjoin", "off");
    target.set_option("enable_mergejoin", "off");
    target.set_option("enable_bitmapscan", "off");
    target.set_option("jit", "off");
    // What we have given up on must not go on holding locks.
    target.set_option("idle_in_transaction_session_timeout", "5s");
    target.set_option("client_connection_check_interval", "1s");
    target.set_option("idle_session_timeout", "0");
    return target;
}

void ConnectionTarget::set_option(const std::string& name, const std::string& value) {
    const auto before = find("options");
    set("options", fmt::format("{}{}-c {}={}", before.value_or(""), before ? " " : "", name, value));
}

std::string ConnectionTarget::describe() const {
    const char* environment = std::getenv("PGHOST");
    const std::string host =
        find("host").value_or(find("hostaddr").value_or(environment != nullptr ? environment : "local"));
    return fmt::format("{}:{}/{}", host, find("port").value_or("5432"),
                       find("dbname").value_or(find("user").value_or("")));
}

std::optional<std::string> ConnectionTarget::find(const std::string& keyword) const {
    for (const auto& [name, value] : settings_) {
        if (name == keyword && !value.empty()) return value;
    }
    return std::nullopt;
}

void ConnectionTarget::set(const std::string& keyword, const std::string& value) {
    for (auto& [name, old] : settings_) {
        if (name != keyword) continue;
        old = value;
        return;
    }
    settings_.emplace_back(keyword, value);
}

loop::Task<std::optional<ConnectionTarget>> ConnectionTarget::resolved(ConnectionTarget target) {
    const char* environment = std::getenv("PGHOST");
    const auto host_list = target.find("host").value_or(environment != nullptr ? environment : "");
    const auto hosts = split(host_list);
    if (target.find("hostaddr") || std::none_of(hosts.begin(), hosts.end(), needs_look_up)) co_return target;
    const auto ports = split(target.find("port").value_or(""));
    std::vector<std::string> all_hosts;
    std::vector<std::string> all_addresses;
    std::vector<std::string> all_ports;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        // An empty address means that the host is not to be looked up.
        std::vector<std::string> addresses{needs_look_up(hosts[i]) ? std::string{} : hosts[i]};
        if (!addresses.front().empty() && addresses.front().front() == '/') addresses.front().clear();
        if (needs_look_up(hosts[i])) {
            auto looking_up = loop::resolve(hosts[i]);
            addresses = co_await std::move(looking_up);
        }
        for (const auto& address : addresses) {
            all_hosts.push_back(hosts[i]);
            all_addresses.push_back(address);
            all_ports.push_back(ports.size() == hosts.size() ? ports[i] : ports.front());
        }
    }
    if (all_hosts.empty()) co_return std::nullopt;
    target.set("host", join(all_hosts));
    target.set("hostaddr", join(all_addresses));
    target.set("port", join(all_ports));
    co_return target;
}

std::vector<const char*> ConnectionTarget::keywords() const {
    std::vector<const char*> all;
    for (const auto& setting : settings_) all.push_back(setting.first.c_str());
    all.push_back(nullptr);
    return all;
}

std::vector<const char*> ConnectionTarget::values() const {
    std::vector<const char*> all;
    for (const auto& setting : settings_) all.push_back(setting.second.c_str());
    all.push_back(nullptr);
    return all;
}

}  // namespace carillon::store::postgres
