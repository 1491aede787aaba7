#include "exporters/http/response_header.h"

#include <strings.h>

#include <algorithm>
#include <string_view>

#include "exporters/text.h"

namespace pghang {
namespace {

/// The pages' script, style and requests are the daemon's own; images may be in the page.
constexpr const char* kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const char* reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 202: return "Accepted";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    default: return "";  // RFC 9112 section 4: it may be empty
  }
}

bool same_name(std::string_view one, std::string_view other) {
  return one.size() == other.size() && ::strncasecmp(one.data(), other.data(), one.size()) == 0;
}

bool is_token(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

/// One that would begin a line of its own could be another answer.
bool is_value(std::string_view value) {
  return std::ranges::none_of(value, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

/// What the framing of the message depends on is not for a configuration to say.
bool is_ours_alone(std::string_view name) {
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{
          "Connection",
          "Content-Encoding",
          "Content-Length",
          "Transfer-Encoding"},
      [&](std::string_view ours) { return same_name(name, ours); }
  );
}

void set(HttpFields& fields, std::string_view name, const std::string& value) {
  const auto there =
      std::ranges::find_if(fields, [&](const auto& field) { return same_name(field.first, name); });
  if (there == fields.end()) {
    fields.emplace_back(name, value);
  } else {
    there->second = value;
  }
}

/// RFC 9110 section 8.8.3: what is compressed is not the same byte by byte.
std::string weak(const std::string& etag) {
  return etag.starts_with("W/") ? etag : "W/" + etag;
}

}  // namespace

std::string response_header(
    const HttpResponse& response,
    const ResponseFraming& framing,
    const HttpFields& more,
    std::int64_t now_micros
) {
  HttpFields fields{
      {"Server", "pghangd"},
      {"Date", http_date(now_micros)},
      // An answer that can be asked for again by its ETag may be kept for that.
      {"Cache-Control", response.etag.empty() ? "no-store" : "private, no-cache"},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
      {"Content-Security-Policy", kContentSecurityPolicy},
  };
  const bool has_body = response.status != 204 && response.status != 304;
  const bool encoded = !framing.content_encoding.empty();
  if (has_body) set(fields, "Content-Type", response.content_type);
  if (has_body) set(fields, "Content-Length", std::to_string(framing.content_length));
  if (encoded) set(fields, "Content-Encoding", framing.content_encoding);
  if (framing.varies) set(fields, "Vary", "Accept-Encoding");
  if (!response.allow.empty()) set(fields, "Allow", response.allow);
  if (!response.etag.empty()) set(fields, "ETag", encoded ? weak(response.etag) : response.etag);
  if (!response.link.empty()) set(fields, "Link", response.link);
  if (!response.challenge.empty()) set(fields, "WWW-Authenticate", response.challenge);
  if (framing.keep_alive == framing.http_1_0)
    set(fields, "Connection", framing.keep_alive ? "keep-alive" : "close");
  for (const auto& [name, value] : more) {
    if (is_token(name) && is_value(value) && !is_ours_alone(name)) set(fields, name, value);
  }

  std::string header = framing.http_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ";
  header += std::to_string(response.status) + ' ' + reason(response.status) + "\r\n";
  for (const auto& [name, value] : fields)
    header += name + ": " + value + "\r\n";
  return header + "\r\n";
}

}  // namespace pghang
