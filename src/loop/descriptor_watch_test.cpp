#include "loop/descriptor_watch.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <future>
#include <optional>

#include "loop/event_loop.hpp"
#include "loop/resolve.hpp"

namespace carillon::loop {
namespace {

using namespace std::chrono_literals;

class Pipe {
 public:
    Pipe() { EXPECT_EQ(::pipe2(ends_.data(), O_NONBLOCK), 0); }
    ~Pipe() {
        close_writer();
        ::close(ends_[0]);
    }
    int reader() const { return ends_[0]; }
    int writer() const { return ends_[1]; }
    void put() const { EXPECT_EQ(::write(ends_[1], "x", 1), 1); }
    void fill() const {
        std::array<char, 4'096> block{};
        while (::write(ends_[1], block.data(), block.size()) > 0) {
        }
    }
    void drain() const {
        std::array<char, 4'096> block{};
        while (::read(ends_[0], block.data(), block.size()) > 0) {
        }
    }
    void close_writer() {
        if (ends_[1] >= 0) ::close(ends_[1]);
        ends_[1] = -1;
    }

 private:
    std::array<int, 2> ends_{};
};

class DescriptorWatchTest : public ::testing::Test {
 protected:
    DescriptorWatchTest() { loop_.start(); }
    ~DescriptorWatchTest() override {
        on_loop([this] { watch_.reset(); });
    }

    // Runs `work` on the loop, and waits for its end.
    void on_loop(std::function<void()> work) {
        std::promise<void> done;
        post(loop_.executor(), [&] {
            work();
            done.set_value();
        });
        done.get_future().get();
    }
    void watch(int descriptor) {
        on_loop([this, descriptor] { watch_.emplace(loop_.executor(), descriptor); });
    }

    Pipe pipe_;
    EventLoop loop_{"test"};
    std::optional<DescriptorWatch> watch_;
};

TEST_F(DescriptorWatchTest, TellsWhenThereIsSomethingToRead) {
    watch(pipe_.reader());
    for (int round = 0; round < 3; ++round) {
        std::promise<void> readable;
        auto told = readable.get_future();
        on_loop([&] { watch_->when_readable([&readable] { readable.set_value(); }); });
        on_loop([] {});
        EXPECT_EQ(told.wait_for(0s), std::future_status::timeout) << "nothing has been written";
        pipe_.put();
        EXPECT_EQ(told.wait_for(10s), std::future_status::ready);
        pipe_.drain();
    }
}

TEST_F(DescriptorWatchTest, TellsAgainOfWhatWasNotRead) {
    watch(pipe_.reader());
    pipe_.put();
    for (int round = 0; round < 2; ++round) {
        std::promise<void> readable;
        on_loop([&] { watch_->when_readable([&readable] { readable.set_value(); }); });
        EXPECT_EQ(readable.get_future().wait_for(10s), std::future_status::ready);
    }
}

TEST_F(DescriptorWatchTest, TellsWhenThereIsRoomToWrite) {
    watch(pipe_.writer());
    pipe_.fill();
    std::promise<void> writable;
    auto told = writable.get_future();
    on_loop([&] { watch_->when_writable([&writable] { writable.set_value(); }); });
    on_loop([] {});
    EXPECT_EQ(told.wait_for(0s), std::future_status::timeout) << "the pipe is full";
    pipe_.drain();
    EXPECT_EQ(told.wait_for(10s), std::future_status::ready);
}

TEST_F(DescriptorWatchTest, TellsOfTheEnd) {
    watch(pipe_.reader());
    std::promise<void> readable;
    on_loop([&] { watch_->when_readable([&readable] { readable.set_value(); }); });
    pipe_.close_writer();
    EXPECT_EQ(readable.get_future().wait_for(10s), std::future_status::ready);
}

TEST_F(DescriptorWatchTest, TellsNothingAfterItsEndAndLeavesTheDescriptorOpen) {
    watch(pipe_.reader());
    bool told = false;
    on_loop([&] {
        watch_->when_readable([&told] { told = true; });
        pipe_.put();
        watch_.reset();
    });
    on_loop([] {});
    on_loop([] {});
    EXPECT_FALSE(told);
    char byte = 0;
    EXPECT_EQ(::read(pipe_.reader(), &byte, 1), 1);
}

Task<void> look_up(std::string host, std::promise<std::vector<std::string>>& found) {
    auto resolving = resolve(std::move(host));
    found.set_value(co_await std::move(resolving));
}

TEST_F(DescriptorWatchTest, AHostNameHasAddresses) {
    std::promise<std::vector<std::string>> found;
    spawn(loop_.executor(), look_up("127.0.0.1", found), "test");
    EXPECT_EQ(found.get_future().get(), std::vector<std::string>{"127.0.0.1"});
    std::promise<std::vector<std::string>> none;
    spawn(loop_.executor(), look_up("no such host", none), "test");
    EXPECT_TRUE(none.get_future().get().empty());
}

}  // namespace
}  // namespace carillon::loop
