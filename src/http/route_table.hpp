#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace carillon::http {

/// A pattern of a path, taken apart: "/notifications/{id}/read".
class PathPattern {
 public:
    /// Throws std::logic_error when the pattern does not begin with '/'.
    explicit PathPattern(std::string_view pattern);

    /// Whether the decoded path fits; then `values` holds what stands for the `{…}` segments, none of them empty.
    bool matches(std::string_view path, std::vector<std::string>& values) const;
    /// Whether this one is to be tried before `other`: fixed segments come before `{…}`.
    bool goes_before(const PathPattern& other) const;

 private:
    struct Segment {
        std::string text;
        bool is_value = false;
    };
    // Constant after construction.
    std::vector<Segment> segments_;
};

}  // namespace carillon::http
