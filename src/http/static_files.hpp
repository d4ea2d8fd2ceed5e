#pragma once

#include <string_view>
#include <vector>

#include "http/router.hpp"

namespace carillon::http {

/// A file that is part of the binary. Made by `carillon_embed` (cmake/EmbedFiles.cmake).
struct EmbeddedFile {
    std::string_view path;  ///< "/index.html"; below the folder that was embedded
    std::string_view content_type;
    std::string_view bytes;
    std::string_view etag;  ///< a strong entity tag with its quotes
};

/// The media type by the path's extension; "application/octet-stream" when unknown.
std::string_view content_type_of(std::string_view path);

/// Adds a route for each file, open to all; "index.html" answers for its folder ("/") too. Answers 200 with ETag and
/// Cache-Control, or 304 when `If-None-Match` names the file as it is (RFC 9110 section 13.1.2), with a
/// Content-Security-Policy that lets a page load from nowhere but here. The metrics count them under "static". `files`
/// live as long as the process.
/// With a `version`, the files are for the pages of other origins too, and a request that names it ("?v=1.2.3") gets an
/// answer that may be kept for ever.
void add_static_files(Router& router, const std::vector<EmbeddedFile>& files, std::string_view version = {});

}  // namespace carillon::http
