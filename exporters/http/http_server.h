#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "config/result.h"
#include "config/unique_fd.h"

namespace pghang {

struct HttpRequest {
  std::string method;
  std::string path;    ///< without the query, percent-decoding not applied
  std::string query;   ///< after the `?`; may be empty
  std::string peer{};  ///< who asks: `127.0.0.1:40312`, or `uid 0, pid 4711` by the control socket
  bool control = false;         ///< it came by the control socket
  std::string authorization{};  ///< value of that header; empty without
  std::string if_none_match{};  ///< the same
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string allow;        ///< value of the Allow header; for 405
  std::string etag{};       ///< value of the ETag header, quotes included; empty: none
  std::string challenge{};  ///< value of the WWW-Authenticate header; for 401
  /// Set: all of the above is still to come. Called once, on the loop; `send` may be called at once
  /// or later, there too.
  std::function<void(std::function<void(HttpResponse)> send)> deferred{};
};

/// Answers one request at once; runs on the loop. Does not throw.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

/// What one client, or many, may cost.
struct HttpLimits {
  /// Open connections. One more closes the longest idle, else the slowest to send its request;
  /// while all are being answered it is closed itself. So connections that only wait keep nobody
  /// out.
  std::size_t connections = 100;
  std::uint32_t header_bytes = 8U * 1024;                      ///< beyond: 431
  std::uint64_t body_bytes = 16UL * 1024;                      ///< beyond: 413
  std::chrono::milliseconds request{std::chrono::seconds{5}};  ///< to have sent all of a request
  std::chrono::milliseconds write{std::chrono::seconds{10}};   ///< to have taken all of an answer
  std::chrono::milliseconds idle{std::chrono::seconds{30}};    ///< between two requests
  std::chrono::milliseconds linger{std::chrono::seconds{1}};   ///< to close after a last answer
};

/// HTTP/1.1 on the caller's loop (Boost.Beast). Bounded (HttpLimits), so that slow clients cost
/// nothing but their place. HEAD reaches the handler as GET and is answered without the body.
/// Malformed requests, 413 and 431 are answered here. Loop thread only.
class HttpServer {
 public:
  /// Binds every address (`host:port`, `[v6]:port`, `:port`; numeric or `localhost`) and serves
  /// until destroyed. Errors: malformed (address), io (port in use; context names the address).
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(
      boost::asio::any_io_executor executor,
      const std::vector<std::string>& addresses,
      HttpHandler handler,
      const HttpLimits& limits = {}
  );

  /// Also serves at a UNIX socket (exporters/http/control_socket.h), and removes that when
  /// destroyed. Errors: those of open_control_socket().
  [[nodiscard]] Result<void> serve_control_socket(const std::string& path);
  /// Also serves a socket that listens already (systemd's). Errors: those of adopt_acceptor().
  [[nodiscard]] Result<void> adopt(UniqueFd socket);

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
