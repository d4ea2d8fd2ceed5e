#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace carillon::socketio {

/// Bytes that never change, in one block of memory with the count of who holds it: what one encoded event is, for all
/// the sockets it goes to. Cheap to copy. Thread: any, like a shared pointer.
class SharedText {
 public:
    SharedText() = default;
    explicit SharedText(std::string_view text);
    SharedText(const SharedText& other) noexcept : block_{other.block_} {
        if (block_ != nullptr) block_->uses.fetch_add(1, std::memory_order_relaxed);
    }
    SharedText(SharedText&& other) noexcept : block_{std::exchange(other.block_, nullptr)} {}
    SharedText& operator=(SharedText other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~SharedText() {
        if (block_ != nullptr) release();
    }

    explicit operator bool() const { return block_ != nullptr; }
    std::size_t size() const { return block_ == nullptr ? 0 : block_->size; }
    std::string_view view() const {
        return block_ == nullptr ? std::string_view{} : std::string_view{block_->bytes(), block_->size};
    }

 private:
    friend class TextBuilder;

    struct Block {
        std::atomic<std::uint32_t> uses{1};
        std::size_t size = 0;
        char* bytes() { return reinterpret_cast<char*>(this + 1); }
    };

    explicit SharedText(Block* block) : block_{block} {}
    static Block* make_block(std::size_t room);
    static void free_block(Block* block);
    void release() {
        // Who alone holds it needs no atomic subtraction: nobody else can take it up.
        if (block_->uses.load(std::memory_order_acquire) == 1 ||
            block_->uses.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            free_block(block_);
        }
    }

    Block* block_ = nullptr;
};

/// Writes a `SharedText` where it will stay.
class TextBuilder {
 public:
    /// One allocation, if `room` bytes suffice.
    explicit TextBuilder(std::size_t room);
    ~TextBuilder();
    TextBuilder(const TextBuilder&) = delete;
    TextBuilder& operator=(const TextBuilder&) = delete;

    TextBuilder& operator+=(std::string_view text);
    void push_back(char c) { *this += std::string_view{&c, 1}; }
    std::string_view view() const { return {block_->bytes(), block_->size}; }
    /// The builder is spent.
    SharedText finish() { return SharedText{std::exchange(block_, nullptr)}; }

 private:
    SharedText::Block* block_;
    std::size_t room_;
};

}  // namespace carillon::socketio
