#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>

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

  UniqueFd socket_;
  std::string buffer_;
};

/// A server on 127.0.0.1 with a loop and a thread of its own.
class ServedHttp {
 public:
  explicit ServedHttp(HttpHandler handler, const HttpLimits& limits = {});
  ServedHttp(const ServedHttp&) = delete;
  ServedHttp& operator=(const ServedHttp&) = delete;
  ~ServedHttp();

  [[nodiscard]] std::uint16_t port() const { return port_; }

  [[nodiscard]] HttpClient connect() const { return HttpClient(port_); }

  /// One request on a connection of its own.
  [[nodiscard]] std::optional<ClientResponse>
  ask(const std::string& path, const std::string& method = "GET") const;

  /// Destroys the server on its loop, which goes on running.
  void destroy_server();

 private:
  boost::asio::io_context loop_;
  std::unique_ptr<HttpServer> server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

/// `GET path` with a Host and nothing else.
[[nodiscard]] std::string get(const std::string& path, const std::string& extra = "");

}  // namespace pghang
