#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "config/result.h"

namespace pghang {

struct HttpRequest {
  std::string method;
  std::string path;   ///< without the query, percent-decoding not applied
  std::string query;  ///< after the `?`; may be empty
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string allow;  ///< value of the Allow header; for 405
};

/// Answers one request at once; runs on the loop.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

/// HTTP/1.1 on the caller's loop (Boost.Beast). Bounded: connections, header and body size, and
/// time for each read and write, so that slow clients cost nothing but their place.
class HttpServer {
 public:
  /// Binds every address (`host:port`, `[v6]:port`, `:port`; numeric or `localhost`) and serves
  /// until destroyed. Errors: malformed (address), io (port in use; context names the address).
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(
      boost::asio::any_io_executor executor,
      const std::vector<std::string>& addresses,
      HttpHandler handler
  );

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  /// Addresses really bound, with the port the kernel chose for `:0`.
  [[nodiscard]] std::vector<std::string> addresses() const;

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pghang
