#include "base/log_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <set>
#include <sstream>
#include <vector>

namespace carillon::base {
namespace {

struct Pipe {
    Pipe() { EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0); }
    ~Pipe() {
        close_writing();
        ::close(ends[0]);
    }
    void close_writing() {
        if (ends[1] >= 0) ::close(std::exchange(ends[1], -1));
    }
    /// Everything until the writing end is closed.
    std::string read_all() const {
        std::string all;
        std::array<char, 4096> buffer{};
        for (ssize_t got = 0; (got = ::read(ends[0], buffer.data(), buffer.size())) > 0;) {
            all.append(buffer.data(), static_cast<std::size_t>(got));
        }
        return all;
    }

    std::array<int, 2> ends{};
};

TEST(LogWriter, WritesEveryLineOnceAndThoseOfOneThreadInOrder) {
    Pipe pipe;
    std::thread reader;
    std::string all;
    {
        reader = std::thread{[&] { all = pipe.read_all(); }};
        LogWriter writer{pipe.ends[1], 1'000'000};
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&writer, t] {
                for (int i = 0; i < 1'000; ++i) writer.write(std::to_string(t) + " " + std::to_string(i));
            });
        }
        for (auto& thread : threads) thread.join();
    }
    pipe.close_writing();
    reader.join();
    std::array<int, 4> next{};
    std::istringstream lines{all};
    for (int t = 0, i = 0; lines >> t >> i;) EXPECT_EQ(i, next.at(static_cast<std::size_t>(t))++);
    EXPECT_EQ(next, (std::array<int, 4>{1'000, 1'000, 1'000, 1'000}));
}

TEST(LogWriter, ALineComesOutWithoutAnother) {
    Pipe pipe;
    LogWriter writer{pipe.ends[1], 1'000};
    std::array<char, 16> buffer{};
    for (int i = 0; i < 3; ++i) {
        writer.write("hello");
        ASSERT_EQ(::read(pipe.ends[0], buffer.data(), buffer.size()), 6) << "it blocks until the line has come";
    }
}

TEST(LogWriter, DropsWhatIsTooMuchAndSaysSo) {
    Pipe pipe;
    std::string all;
    std::thread reader;
    {
        LogWriter writer{pipe.ends[1], 10'000};
        writer.on_dropped([](std::uint64_t lines) { return "dropped " + std::to_string(lines); });
        const std::string line(999, 'x');
        for (int i = 0; i < 1'000; ++i) writer.write(line);  // nobody reads: the pipe takes 64 KiB, the writer 10 KB
        reader = std::thread{[&] { all = pipe.read_all(); }};
    }
    pipe.close_writing();
    reader.join();
    // Said with each batch that follows a loss: once or more often.
    std::size_t written = 0;
    std::size_t dropped = 0;
    std::istringstream lines{all};
    for (std::string one; std::getline(lines, one);) {
        if (one.starts_with("dropped ")) {
            dropped += std::stoul(one.substr(8));
        } else {
            ++written;
        }
    }
    EXPECT_GT(dropped, 0U);
    EXPECT_EQ(written + dropped, 1'000U) << "every line is written or counted";
}

TEST(LogWriter, EndsWithinASecondOrSoWhenNobodyReads) {
    Pipe pipe;
    const auto start = std::chrono::steady_clock::now();
    {
        LogWriter writer{pipe.ends[1], 1'000'000};
        for (int i = 0; i < 500; ++i) writer.write(std::string(999, 'x'));
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{10});
}

}  // namespace
}  // namespace carillon::base
