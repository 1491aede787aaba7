#pragma once

#include <memory>
#include <string>

#include "exporters/http/http_limits.h"
#include "exporters/http/http_message.h"

namespace pghang {

/// Bytes of one connection to requests (RFC 9112), without a socket. Owns Boost.Beast. Bodies are
/// read within their limit and dropped: no request of ours has a meaning in its body.
class RequestReader {
 public:
  enum class Step {
    more,            ///< the request is not whole yet
    wants_continue,  ///< the same, and its client waits for `100 Continue` first; said once
    complete,        ///< request() tells it
    refused,         ///< refusal() is the answer, and the connection is of no more use
  };

  explicit RequestReader(const HttpLimits& limits);
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;
  ~RequestReader();

  /// Takes what it can from the front of `bytes`; what is left belongs to a later call, or to the
  /// next request. Not after `complete` or `refused`.
  [[nodiscard]] Step put(std::string& bytes);

  /// Of a complete one, with HEAD as GET.
  [[nodiscard]] HttpRequest request() const;
  [[nodiscard]] bool is_head() const;
  [[nodiscard]] bool takes_gzip() const;
  [[nodiscard]] bool keep_alive() const;
  [[nodiscard]] bool is_http_1_0() const;
  /// Of a refused one: 400, 413, 414, 431 or 501.
  [[nodiscard]] const HttpResponse& refusal() const;

  /// Begins with the next request.
  void next();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One line of text as an answer.
[[nodiscard]] HttpResponse plain_response(int status, const std::string& line);

}  // namespace pghang
