#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "socketio/errc.hpp"

namespace carillon::socketio {

inline constexpr std::size_t kJsonDepthMax = 64;
inline constexpr std::size_t kJsonElementsMax = 1024;  ///< elements of the outermost array

/// What a scan looks for besides validity: `{"_placeholder":true,"num":i}`, where an attachment belongs.
struct PlaceholderScan {
    std::size_t attachments = 0;  ///< `num` must be below
    std::size_t found = 0;        ///< out: how many there are; the same attachment may be named more than once
};

/// Validates a JSON text (RFC 8259, UTF-8; lone surrogates in escapes pass, as JSON.parse lets them) and finds its
/// parts without building anything. Whitespace around it is allowed.
class JsonScanner {
 public:
    /// `placeholders` null: objects are not looked into.
    explicit JsonScanner(std::string_view text, PlaceholderScan* placeholders = nullptr)
        : text_{text}, placeholders_{placeholders} {}

    /// The text is one value of any kind; returns it without the whitespace around it.
    base::Result<std::string_view> value();
    /// The text is one array; replaces `elements` with the text of each element.
    base::Result<void> array(std::vector<std::string_view>& elements);
    /// The text is one object; returns it without the whitespace around it.
    base::Result<std::string_view> object();

 private:
    bool scan_value(std::size_t depth);
    bool scan_object(std::size_t depth);
    bool scan_array(std::size_t depth, std::vector<std::string_view>* elements);
    bool scan_string();
    bool scan_escape();
    bool scan_number();
    bool scan_digits();
    bool scan_literal(std::string_view literal);
    bool check_placeholder(std::string_view num);
    void skip_whitespace();
    bool at_end() const { return at_ == text_.size(); }
    bool take(char c);
    bool fail(errc code);
    bool nothing_follows();

    std::string_view text_;
    PlaceholderScan* placeholders_;
    std::size_t at_ = 0;
    errc error_ = errc::json_invalid;
};

/// What a valid JSON string says: `quoted` with its quotes, escapes resolved; a lone surrogate becomes U+FFFD.
std::string unescape_json_string(std::string_view quoted);

/// Appends `text` as a JSON string: quotes, and escapes for quote, backslash and control characters. What is not valid
/// UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace carillon::socketio
