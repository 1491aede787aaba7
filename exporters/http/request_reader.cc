// Beast asserts 5 bytes of a last chunk that has not all come; where that is the first chunk it can
// be 3 (`0\r\n`), and what it computes is right from there on. Beast is compiled in this file only.
#define BOOST_DISABLE_ASSERTS

#include "exporters/http/request_reader.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "exporters/http/content_coding.h"

namespace pghang {
namespace {

namespace http = boost::beast::http;
using boost::beast::iequals;
using Message = http::request<http::string_body>;

/// The target as a path (RFC 9112 section 3.2.2: a server takes the absolute form too). Empty: it
/// is neither.
std::string_view path_of(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.size() < scheme.size() || !iequals(target.substr(0, scheme.size()), scheme))
      continue;
    target.remove_prefix(scheme.size());
    const std::size_t path = std::min(target.find_first_of("/?"), target.size());
    if (path == 0) return {};
    target.remove_prefix(path);
    return target.starts_with('/') ? target : "/";
  }
  return target.starts_with('/') ? target : std::string_view();
}

std::string_view target_of(const Message& message) {
  return {message.target().data(), message.target().size()};
}

/// What is wrong with a header that can be parsed.
std::optional<HttpResponse> objection(const Message& message) {
  const auto malformed = [](const char* what) {
    return plain_response(400, std::string("malformed request: ") + what);
  };
  // RFC 9112 section 3.2: a request without Host, or with several, is answered 400.
  const std::size_t hosts = message.count(http::field::host);
  if (message.version() == 11 && hosts == 0) return malformed("no Host");
  if (hosts > 1) return malformed("more than one Host");
  if (path_of(target_of(message)).empty()) return malformed("target is not a path");
  // Section 6.1: other codings leave the length of the body unknown.
  const std::size_t codings = message.count(http::field::transfer_encoding);
  if (codings == 0) return std::nullopt;
  if (message.version() == 10) return malformed("Transfer-Encoding in HTTP/1.0");
  if (codings > 1 || !iequals(message[http::field::transfer_encoding], "chunked"))
    return plain_response(501, "transfer coding not supported; there is chunked");
  return std::nullopt;
}

}  // namespace

HttpResponse plain_response(int status, const std::string& line) {
  return {status, "text/plain; charset=utf-8", line + '\n', ""};
}

struct RequestReader::Impl {
  explicit Impl(const HttpLimits& given) : limits(given) { begin(); }

  void begin() {
    parser.emplace();
    parser->header_limit(limits.header_bytes);
    parser->body_limit(limits.body_bytes);
    header_bytes = 0;
    continue_told = false;
  }

  Step refuse(HttpResponse response) {
    refusal = std::move(response);
    return Step::refused;
  }

  /// `pending`: what of the header is not taken yet. Nothing is taken before the first line is
  /// whole.
  Step refuse_header(std::string_view pending) {
    const bool in_first_line =
        target_of(parser->get()).empty() &&
        pending.substr(0, limits.header_bytes).find("\r\n") == std::string_view::npos;
    return in_first_line ? refuse(plain_response(414, "request target too long"))
                         : refuse(plain_response(431, "request header too large"));
  }

  Step refuse(boost::system::error_code failed, std::string_view pending) {
    if (failed == http::error::header_limit) return refuse_header(pending);
    if (failed == http::error::body_limit)
      return refuse(plain_response(413, "request body too large"));
    return refuse(plain_response(400, "malformed request: " + failed.message()));
  }

  /// The parser counts each part of a header that comes by itself.
  bool header_is_too_large(std::size_t used, std::size_t pending) {
    header_bytes += used;
    return header_bytes + (parser->is_header_done() ? 0 : pending) > limits.header_bytes;
  }

  HttpLimits limits;
  std::optional<http::request_parser<http::string_body>> parser;
  std::size_t header_bytes = 0;  ///< taken of this request
  bool continue_told = false;
  HttpResponse refusal;
};

RequestReader::RequestReader(const HttpLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}

RequestReader::~RequestReader() = default;

RequestReader::Step RequestReader::put(std::string& bytes) {
  auto& parser = *impl_->parser;
  while (!parser.is_done() && !bytes.empty()) {
    const bool in_header = !parser.is_header_done();
    boost::system::error_code failed;
    const std::size_t used = parser.put(boost::asio::buffer(bytes), failed);
    bytes.erase(0, used);
    if (in_header && impl_->header_is_too_large(used, bytes.size()))
      return impl_->refuse_header(bytes);
    if (failed == http::error::need_more) {
      // The line of a chunk's size, or what follows the last one.
      if (bytes.size() > impl_->limits.header_bytes) return impl_->refuse_header(bytes);
      break;
    }
    if (failed) return impl_->refuse(failed, bytes);
    if (!in_header || !parser.is_header_done()) continue;
    if (auto wrong = objection(parser.get())) return impl_->refuse(std::move(*wrong));
  }
  if (parser.is_done()) return Step::complete;
  if (parser.is_header_done() && !impl_->continue_told && bytes.empty() &&
      iequals(parser.get()[http::field::expect], "100-continue")) {
    impl_->continue_told = true;
    return Step::wants_continue;
  }
  return Step::more;
}

HttpRequest RequestReader::request() const {
  const Message& message = impl_->parser->get();
  const std::string_view target = path_of(target_of(message));
  const std::size_t question = std::min(target.find('?'), target.size());
  HttpRequest request;
  request.method = is_head() ? "GET" : std::string(message.method_string());
  request.path = std::string(target.substr(0, question));
  request.query = std::string(target.substr(std::min(question + 1, target.size())));
  request.authorization = std::string(message[http::field::authorization]);
  request.if_none_match = std::string(message[http::field::if_none_match]);
  request.host = std::string(message[http::field::host]);
  request.from_browser =
      message.count(http::field::origin) > 0 || message.count("Sec-Fetch-Site") > 0;
  return request;
}

bool RequestReader::is_head() const {
  return impl_->parser->get().method() == http::verb::head;
}

bool RequestReader::takes_gzip() const {
  const Message& message = impl_->parser->get();
  const auto [first, end] = message.equal_range(http::field::accept_encoding);
  std::string all;  // RFC 9110 section 5.3: several lines are one list
  for (auto field = first; field != end; ++field)
    all += std::string(field->value()) + ',';
  return accepts_gzip(all);
}

bool RequestReader::keep_alive() const {
  return impl_->parser->get().keep_alive();
}

bool RequestReader::is_http_1_0() const {
  return impl_->parser->get().version() == 10;
}

const HttpResponse& RequestReader::refusal() const {
  return impl_->refusal;
}

void RequestReader::next() {
  impl_->begin();
}

}  // namespace pghang
