// Preloaded into a server: while the file that CARILLON_READ_ONLY_SWITCH names is there, the disk is one that was
// remounted read-only under open files, which no mount command does on demand (it refuses while a file is open for
// writing). Pipes and sockets are left alone.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

bool read_only(int descriptor) {
    static const char* const file = getenv("CARILLON_READ_ONLY_SWITCH");
    struct stat status {};
    return file != nullptr && access(file, F_OK) == 0 && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

template <class Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

#define REFUSE(descriptor)       \
    if (read_only(descriptor)) { \
        errno = EROFS;           \
        return -1;               \
    }

extern "C" {
ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off64_t at) {
    REFUSE(descriptor);
    return next<decltype(pwrite64)>("pwrite64")(descriptor, bytes, size, at);
}
ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t at) {
    REFUSE(descriptor);
    return next<decltype(pwrite)>("pwrite")(descriptor, bytes, size, at);
}
ssize_t write(int descriptor, const void* bytes, size_t size) {
    REFUSE(descriptor);
    return next<decltype(write)>("write")(descriptor, bytes, size);
}
int ftruncate64(int descriptor, off64_t size) noexcept {
    REFUSE(descriptor);
    return next<int(int, off64_t)>("ftruncate64")(descriptor, size);
}
int ftruncate(int descriptor, off_t size) noexcept {
    REFUSE(descriptor);
    return next<int(int, off_t)>("ftruncate")(descriptor, size);
}
}
