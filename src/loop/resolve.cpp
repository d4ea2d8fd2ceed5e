#include "loop/resolve.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace carillon::loop {

namespace asio = boost::asio;

Task<std::vector<std::string>> resolve(std::string host) {
    asio::ip::tcp::resolver resolver{co_await asio::this_coro::executor};
    const auto [error, found] = co_await resolver.async_resolve(host, "", asio::as_tuple(asio::use_awaitable));
    std::vector<std::string> addresses;
    if (error) co_return addresses;
    for (const auto& entry : found) addresses.push_back(entry.endpoint().address().to_string());
    co_return addresses;
}

}  // namespace carillon::loop
