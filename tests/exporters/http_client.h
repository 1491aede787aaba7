#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>

#include "config/unique_fd.h"
#include "exporters/http/http_server.h"

namespace pghang {

struct ClientResponse {
  int status = 0;
  std::map<std::string, std::string> fields;  ///< names in lower case
  std::string body;
};

/// A blocking socket to 127.0.0.1. Nothing waits longer than 10 s.
class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port);

  /// Speaks TLS from here on, and takes any certificate. False: the handshake failed.
  [[nodiscard]] bool start_tls();

  /// Only with start_tls(): OpenSSL's handle.
  [[nodiscard]] SSL* tls() { return tls_.get(); }

  void send(std::string_view bytes) const;
  /// The next response on the connection; nothing when it was closed before a whole one came.
  /// `head`: there is no body, whatever Content-Length says.
  [[nodiscard]] std::optional<ClientResponse> receive(bool head = false);
  /// Waits for the next bytes from the server, without taking them.
  [[nodiscard]] bool has_input() const;
  /// Reads and drops until the other side closes (or resets).
  [[nodiscard]] bool closed_by_server();

 private:
  bool fill();

  struct FreeTls {
    void operator()(SSL* tls) const { ::SSL_free(tls); }
  };

  UniqueFd socket_;
  std::unique_ptr<SSL, FreeTls> tls_;
  std::string buffer_;
};

/// A server on 127.0.0.1 with a loop and a thread of its own.
class ServedHttp {
 public:
  /// `tls`: its TCP clients have to speak TLS.
  explicit ServedHttp(
      HttpHandler handler,
      const HttpLimits& limits = {},
      std::shared_ptr<boost::asio::ssl::context> tls = nullptr
  );
  ServedHttp(const ServedHttp&) = delete;
  ServedHttp& operator=(const ServedHttp&) = delete;
  ~ServedHttp();

  [[nodiscard]] std::uint16_t port() const { return port_; }

  [[nodiscard]] HttpClient connect() const { return HttpClient(port_); }

  /// One request on a connection of its own.
  [[nodiscard]] std::optional<ClientResponse>
  ask(const std::string& path, const std::string& method = "GET") const;

  /// Calls `change` with the server, on its loop.
  void with_server(const std::function<void(HttpServer&)>& change);
  /// Destroys the server on its loop, which goes on running.
  void destroy_server();

 private:
  boost::asio::io_context loop_;
  std::unique_ptr<HttpServer> server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

/// A context with a certificate of its own making, for TLS 1.2 and later.
[[nodiscard]] std::shared_ptr<boost::asio::ssl::context> self_signed_context();

/// `GET path` with a Host and nothing else.
[[nodiscard]] std::string get(const std::string& path, const std::string& extra = "");

}  // namespace pghang
