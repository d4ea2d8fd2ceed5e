#include "counted_calls.hpp"

#include <dlfcn.h>
#include <pthread.h>

#include <cstdlib>
#include <new>

namespace {

thread_local carillon::bench::CountedCalls calls;

using MutexLock = int (*)(pthread_mutex_t*);

MutexLock real_mutex_lock() {
    static const auto real = reinterpret_cast<MutexLock>(::dlsym(RTLD_NEXT, "pthread_mutex_lock"));
    return real;
}

}  // namespace

void* operator new(std::size_t size) {
    ++calls.allocations;
    if (void* const memory = std::malloc(size)) return memory;
    throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): the name in the header is reserved
extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
    ++calls.locks;
    return real_mutex_lock()(mutex);
}

carillon::bench::CountedCalls carillon::bench::counted_calls() {
    return calls;
}
