#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "config/result.h"
#include "config/unique_fd.h"
#include "exporters/http/http_limits.h"
#include "exporters/http/http_message.h"

namespace boost::asio::ssl {
class context;
}

namespace pghang {

/// HTTP/1.1 on the caller's loop. Bounded (HttpLimits), so that slow clients cost nothing but their
/// place. HEAD reaches the handler as GET and is answered without the body. Requests that cannot be
/// read are answered here (RequestReader). Loop thread only.
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

  /// Connections that TCP clients make from now on speak TLS; null: plain HTTP again. The control
  /// socket never does. A handshake has the deadline of a request.
  void use_tls(std::shared_ptr<boost::asio::ssl::context> context);
  /// Fields of every answer from now on; they take the place of those given before, and of our own
  /// of the same name (response_header()).
  void add_headers(HttpFields headers);

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
