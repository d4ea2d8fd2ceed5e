#include "app/read_gatherer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "base/log.hpp"
#include "loop/event_loop.hpp"

namespace carillon::app {
namespace {

using contracts::ReadsItem;
using ::testing::ElementsAre;
using Result = ReadGatherer::Result;
using Results = std::vector<Result>;
using Marks = std::vector<std::future<Result>>;

constexpr std::chrono::milliseconds kLinger{1};

/// A gatherer whose requests are answered by the test.
class ReadGathererTest : public ::testing::Test {
 protected:
    ReadGathererTest() { loop_.start(); }
    ~ReadGathererTest() override {
        loop_.stop();
        loop_.join();
    }

    void make(ReadGatherer::Limits limits) {
        gatherer_ = std::make_shared<ReadGatherer>(
            [this](std::vector<ReadsItem> items) { return send(std::move(items)); }, limits);
    }
    void mark(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            auto marking = gatherer_->mark({{}, base::NotificationId::generate(base::system_clock()), {}});
            marks_.push_back(boost::asio::co_spawn(loop_.executor(), std::move(marking), boost::asio::use_future));
        }
    }
    /// How many marks each request has had, when there are `count` of them.
    std::vector<std::size_t> sizes_of(std::size_t count) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
        for (;;) {
            {
                const std::lock_guard lock{mutex_};
                if (sizes_.size() >= count) return sizes_;
            }
            if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error{"no request came"};
            std::this_thread::yield();
        }
    }
    void answer_oldest(bool with_exception = false) {
        std::function<void(bool)> answer;
        {
            const std::lock_guard lock{mutex_};
            answer = std::move(waiting_.front());
            waiting_.pop_front();
        }
        answer(!with_exception);
    }

    const ReadGatherer::Limits few_{2, 10, std::chrono::hours{1}, kLinger, 100};
    Marks marks_;
    loop::EventLoop loop_{"test"};
    std::shared_ptr<ReadGatherer> gatherer_;

 private:
    loop::Task<Results> send(std::vector<ReadsItem> items) {
        const std::function<void(loop::Resume<bool>)> start = [this, &items](loop::Resume<bool> resume) {
            const std::lock_guard lock{mutex_};
            sizes_.push_back(items.size());
            waiting_.push_back(std::move(resume));
        };
        if (!co_await loop::suspend<bool>(start)) throw std::runtime_error{"as asked"};
        Results results;
        for (const auto& item : items) results.emplace_back(gateway::MarkReadAnswer{item.notification_id, {}, {}});
        co_return results;
    }

    std::mutex mutex_;
    std::vector<std::size_t> sizes_;
    std::deque<std::function<void(bool)>> waiting_;
};

TEST_F(ReadGathererTest, WhatComesWhileARequestIsUnderWayGoesTogether) {
    make(few_);
    mark(1);
    sizes_of(1);
    mark(7);
    answer_oldest();
    EXPECT_THAT(sizes_of(2), ElementsAre(1, 7));
    answer_oldest();
    for (auto& mark : marks_) EXPECT_TRUE(mark.get());
    mark(1);
    EXPECT_THAT(sizes_of(3), ElementsAre(1, 7, 1)) << "nothing was under way";
    answer_oldest();
    EXPECT_TRUE(marks_.back().get());
}

TEST_F(ReadGathererTest, EnoughGoBesideARequestUnderWay) {
    make(few_);
    mark(1);
    sizes_of(1);
    mark(10);
    EXPECT_THAT(sizes_of(2), ElementsAre(1, 10));
    mark(15);  // two are under way: no more
    answer_oldest();
    EXPECT_THAT(sizes_of(3), ElementsAre(1, 10, 15));
    answer_oldest();
    answer_oldest();
    for (auto& mark : marks_) EXPECT_TRUE(mark.get());
}

TEST_F(ReadGathererTest, NobodyWaitsLongForARequestThatHangs) {
    make({2, 10, std::chrono::milliseconds{5}, kLinger, 100});
    mark(1);
    sizes_of(1);
    mark(3);
    EXPECT_THAT(sizes_of(2), ElementsAre(1, 3));
    answer_oldest();
    answer_oldest();
    for (auto& mark : marks_) EXPECT_TRUE(mark.get());
}

TEST_F(ReadGathererTest, MoreThanMayWaitAreUnavailable) {
    make({1, 1'000, std::chrono::hours{1}, kLinger, 4});
    mark(1);
    sizes_of(1);
    mark(5);
    const auto refused = marks_.back().get();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "unavailable");
    marks_.pop_back();
    answer_oldest();
    EXPECT_THAT(sizes_of(2), ElementsAre(1, 4));
    answer_oldest();
    for (auto& mark : marks_) EXPECT_TRUE(mark.get());
}

TEST_F(ReadGathererTest, ARequestThatFailsByAnExceptionIsAnsweredAndTheNextOneGoesOut) {
    base::start_logging(base::LogLevel::off, base::LogFormat::text);
    make({1, 1'000, std::chrono::hours{1}, kLinger, 100});
    mark(1);
    sizes_of(1);
    mark(2);
    answer_oldest(true);
    const auto failed = marks_.front().get();
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, "internal");
    EXPECT_THAT(sizes_of(2), ElementsAre(1, 2));
    answer_oldest();
    EXPECT_TRUE(marks_[1].get());
    EXPECT_TRUE(marks_[2].get());
}

TEST_F(ReadGathererTest, ARequestHasAThousandAtMost) {
    make({1, 10'000, std::chrono::hours{1}, kLinger, 10'000});
    mark(1);
    sizes_of(1);
    mark(2'500);
    // All of them wait before the answer comes: the loop takes them in order.
    std::promise<void> turn;
    loop::post(loop_.executor(), [&turn] { turn.set_value(); });
    turn.get_future().wait();
    for (int i = 0; i < 3; ++i) {
        answer_oldest();
        sizes_of(static_cast<std::size_t>(i) + 2);
    }
    EXPECT_THAT(sizes_of(4), ElementsAre(1, 1'000, 1'000, 500));
    answer_oldest();
    for (auto& mark : marks_) EXPECT_TRUE(mark.get());
}

}  // namespace
}  // namespace carillon::app
