// Decoding and encoding of a 300-byte event, with the allocations of each counted: this program has an operator new of
// its own.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <new>
#include <string>

#include "socketio/packet.hpp"

namespace {

std::size_t allocations = 0;  // Touched only on the one thread

}  // namespace

void* operator new(std::size_t size) {
    ++allocations;
    if (void* const memory = std::malloc(size)) return memory;
    throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace carillon::socketio {
namespace {

constexpr std::string_view kArgument =
    R"({"notificationId":"01935f5e-7c2a-7d4e-9b1a-2f6c8d0e4a71","userId":"01935f5e-0000-7000-8000-00000000002a",)"
    R"("type":"comment.reply","title":"Ada replied to your comment","body":"See you at the \"usual\" place, 18:30?",)"
    R"("createdAt":"2026-11-23T04:21:45.123Z","unreadCount":12,"version":"90071"})";

std::string event_packet() {
    return "2[\"notification:new\"," + std::string{kArgument} + "]";
}

/// Reports the allocations of one iteration beside its time.
class Count {
 public:
    explicit Count(benchmark::State& state) : state_{state}, before_{allocations} {}
    ~Count() {
        state_.counters["allocations"] =
            benchmark::Counter{static_cast<double>(allocations - before_), benchmark::Counter::kAvgIterations};
    }

 private:
    benchmark::State& state_;
    const std::size_t before_;
};

void decode(benchmark::State& state) {
    const std::string text = event_packet();
    ArrayDecoder decoder;
    if (!decoder.event(*decode_packet(text))) return state.SkipWithError("not an event");
    state.counters["bytes"] = static_cast<double>(text.size());
    const Count count{state};
    for (auto _ : state) {
        const auto packet = decode_packet(text);
        const auto event = decoder.event(*packet);
        benchmark::DoNotOptimize(*event);
    }
}
BENCHMARK(decode);

void encode(benchmark::State& state) {
    const Count count{state};
    for (auto _ : state) {
        const auto event = EncodedEvent::make("notification:new", {kArgument});
        benchmark::DoNotOptimize(event);
    }
}
BENCHMARK(encode);

}  // namespace
}  // namespace carillon::socketio
