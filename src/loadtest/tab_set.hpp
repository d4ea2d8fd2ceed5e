#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace carillon::loadtest {

/// Some of a user's tabs. The first 64 cost no allocation.
class TabSet {
 public:
    /// The bits of `first` are the first 64 tabs.
    TabSet(std::uint64_t first = 0) : first_{first} {}  // NOLINT(google-explicit-constructor)

    bool contains(std::uint32_t tab) const {
        if (tab < kBits) return (first_ & bit(tab)) != 0;
        const std::size_t word = tab / kBits - 1;
        return word < more_.size() && (more_[word] & bit(tab)) != 0;
    }
    /// False: it was in it already.
    bool insert(std::uint32_t tab) {
        if (contains(tab)) return false;
        word_of(tab) |= bit(tab);
        return true;
    }
    /// False: it was not in it.
    bool erase(std::uint32_t tab) {
        if (!contains(tab)) return false;
        word_of(tab) &= ~bit(tab);
        return true;
    }
    std::size_t size() const {
        auto size = static_cast<std::size_t>(std::popcount(first_));
        for (const auto word : more_) size += static_cast<std::size_t>(std::popcount(word));
        return size;
    }
    /// Takes out all that are not in `others`.
    void keep(const TabSet& others) {
        first_ &= others.first_;
        for (std::size_t i = 0; i < more_.size(); ++i) more_[i] &= i < others.more_.size() ? others.more_[i] : 0;
    }

 private:
    static constexpr std::uint32_t kBits = 64;
    static std::uint64_t bit(std::uint32_t tab) { return std::uint64_t{1} << (tab % kBits); }
    std::uint64_t& word_of(std::uint32_t tab) {
        if (tab < kBits) return first_;
        const std::size_t word = tab / kBits - 1;
        if (word >= more_.size()) more_.resize(word + 1);
        return more_[word];
    }

    std::uint64_t first_ = 0;
    std::vector<std::uint64_t> more_;
};

}  // namespace carillon::loadtest
