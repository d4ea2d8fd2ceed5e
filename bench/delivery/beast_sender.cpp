// The same frames through Beast's websocket::stream, as its documentation writes a server: one asynchronous write on a
// stream at a time, one asynchronous read always under way.
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "sender.hpp"

namespace carillon::bench {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
    explicit Connection(tcp::socket socket) : stream_{std::move(socket)} {}

    void start() {
        stream_.text(true);
        stream_.auto_fragment(false);
        stream_.async_accept([self = shared_from_this()](beast::error_code ec) {
            if (!ec) self->write(std::make_shared<const std::string>("0{\"sid\":\"x\"}"), [self] { self->read(); });
        });
    }

    /// `done` after the write, when it succeeded.
    template <class Done>
    void write(std::shared_ptr<const std::string> text, Done done) {
        const auto buffer = asio::buffer(*text);
        stream_.async_write(buffer, [self = shared_from_this(), text = std::move(text), done = std::move(done)](
                                        beast::error_code ec, std::size_t) {
            if (!ec) done();
        });
    }

 private:
    void read() {
        stream_.async_read(buffer_, [self = shared_from_this()](beast::error_code ec, std::size_t) {
            if (ec) return;
            self->buffer_.consume(self->buffer_.size());
            if (!self->joined_) {
                self->joined_ = true;
                return self->write(std::make_shared<const std::string>("40{\"sid\":\"y\"}"), [self] { self->read(); });
            }
            self->read();
        });
    }

    beast::websocket::stream<tcp::socket> stream_;
    beast::flat_buffer buffer_;
    bool joined_ = false;
};

class BeastSender final : public Sender {
 public:
    BeastSender(const SenderPlan& plan, asio::io_context& context)
        : plan_{plan}, context_{context}, acceptor_{context, {asio::ip::address_v4::loopback(), 0}} {
        accept();
    }

    const char* name() const override { return "Beast stream"; }
    std::uint16_t port() const override { return acceptor_.local_endpoint().port(); }
    Hello hello() const override { return Hello::socketio; }
    std::vector<std::string> tokens() const override { return std::vector<std::string>(plan_.sockets, "-"); }

    std::uint64_t send(std::uint64_t deliveries) override {
        std::uint64_t sent = 0;
        while (sent < deliveries) {
            const auto text = std::make_shared<const std::string>(event_payload(plan_.frame_bytes));
            std::size_t left = connections_.size();
            for (const auto& one : connections_) one->write(text, [&left] { --left; });
            while (left > 0) context_.run_one();
            sent += connections_.size();
        }
        return sent;
    }

 private:
    void accept() {
        acceptor_.async_accept([this](beast::error_code ec, tcp::socket socket) {
            if (ec) return;
            socket.set_option(tcp::no_delay{true});
            connections_.push_back(std::make_shared<Connection>(std::move(socket)));
            connections_.back()->start();
            accept();
        });
    }

    const SenderPlan plan_;
    asio::io_context& context_;
    tcp::acceptor acceptor_;
    std::vector<std::shared_ptr<Connection>> connections_;
};

}  // namespace

std::unique_ptr<Sender> make_beast_sender(const SenderPlan& plan, asio::io_context& context) {
    return std::make_unique<BeastSender>(plan, context);
}

}  // namespace carillon::bench
