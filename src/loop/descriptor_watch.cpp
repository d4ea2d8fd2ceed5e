#include "loop/descriptor_watch.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <utility>

namespace carillon::loop {

namespace asio = boost::asio;

struct DescriptorWatch::Impl : std::enable_shared_from_this<DescriptorWatch::Impl> {
    Impl(const Executor& executor, int descriptor) : stream{executor, descriptor} {}

    void wait(asio::posix::stream_descriptor::wait_type direction, std::function<void()> then) {
        stream.async_wait(direction,
                          [self = shared_from_this(), then = std::move(then)](boost::system::error_code error) {
                              // A wait that had succeeded when the watch went is on its way here all the same.
                              if (error != asio::error::operation_aborted && self->watching) then();
                          });
    }

    asio::posix::stream_descriptor stream;
    bool watching = true;
};

DescriptorWatch::DescriptorWatch(const Executor& executor, int descriptor)
    : impl_{std::make_shared<Impl>(executor, descriptor)} {}

DescriptorWatch::~DescriptorWatch() {
    impl_->watching = false;
    impl_->stream.release();  // cancels, and leaves the descriptor open
}

void DescriptorWatch::when_readable(std::function<void()> then) {
    impl_->wait(asio::posix::stream_descriptor::wait_read, std::move(then));
}

void DescriptorWatch::when_writable(std::function<void()> then) {
    impl_->wait(asio::posix::stream_descriptor::wait_write, std::move(then));
}

}  // namespace carillon::loop
