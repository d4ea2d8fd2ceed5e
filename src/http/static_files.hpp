#pragma once

#include <string_view>
#include <vector>

#include "http/router.hpp"

namespace carillon::http {

/// One form of a file's content.
struct EmbeddedContent {
    std::string_view bytes;
    std::string_view etag;  ///< a strong entity tag with its quotes; of the plain form, the content's SHA-256
};

/// A file that is part of the binary. Made by `carillon_embed` (cmake/EmbedFiles.cmake).
struct EmbeddedFile {
    std::string_view path;  ///< "/index.html"; below the folder that was embedded
    std::string_view content_type;
    EmbeddedContent plain;
    EmbeddedContent gzip;  ///< empty where it would not be smaller
};

/// The media type by the path's extension; "application/octet-stream" when unknown.
std::string_view content_type_of(std::string_view path);

/// Whether a request with this `Accept-Encoding` is answered with gzip: it is named, or "*" is, with a weight above 0
/// and not below that of "identity" (RFC 9110 section 12.5.3).
bool wants_gzip(std::string_view accept_encoding);

/// Adds a route for each file, open to all; "index.html" answers for its folder ("/") too. Answers 200 with ETag and
/// Cache-Control, gzipped for those who take it, or 304 when `If-None-Match` names the form that would be sent (RFC
/// 9110 section 13.1.2), with a Content-Security-Policy that lets a page load from nowhere but here. The metrics count
/// them under "static". `files` live as long as the process. A request that names the content, by 12 or more digits of
/// its SHA-256 ("?v=0123456789ab"), gets an answer that may be kept for ever. With a `version`, so does one that names
/// that ("?v=1.2.3"), and the files are for the pages of other origins too.
void add_static_files(Router& router, const std::vector<EmbeddedFile>& files, std::string_view version = {});

}  // namespace carillon::http
