#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

namespace boost::asio::ssl {
class context;
}

namespace pghang {

using HttpSocket = boost::asio::generic::stream_protocol::socket;

/// One connection's bytes, as they are or over TLS. One operation at a time; has no deadlines:
/// close() ends the one under way. Must outlive it (`done` shall hold whoever owns this). Loop
/// thread only.
class HttpTransport {
 public:
  using Done = std::function<void(boost::system::error_code)>;
  using Read = std::function<void(boost::system::error_code, std::size_t)>;

  virtual ~HttpTransport() = default;

  /// Whether the client has shown a certificate that the context verified; after the handshake.
  [[nodiscard]] virtual bool client_verified() const = 0;
  /// Before anything else. `done` may be called at once. After speaks_plain_http() only a last
  /// answer can be written, and goes out without TLS.
  virtual void handshake(Done done) = 0;
  virtual void read_some(boost::asio::mutable_buffer into, Read done) = 0;
  /// Both parts, in order; they must stay until `done`.
  virtual void write(std::string_view first, std::string_view second, Done done) = 0;
  /// Says that nothing more comes. `done` may be called at once.
  virtual void end(Done done) = 0;
  /// Bytes as they come, to be thrown away; after end().
  virtual void drain_some(boost::asio::mutable_buffer into, Read done) = 0;
  virtual void close() = 0;
};

/// Whether a handshake failed because the client does not speak TLS but HTTP.
[[nodiscard]] bool speaks_plain_http(boost::system::error_code failed);

[[nodiscard]] std::unique_ptr<HttpTransport> plain_transport(HttpSocket socket);

/// TLS as the server (OpenSSL). HTTP/2 is not offered, renegotiation is refused. A connection costs
/// about 70 KiB. Empty when there is no memory for it.
[[nodiscard]] std::unique_ptr<HttpTransport>
tls_transport(HttpSocket socket, std::shared_ptr<boost::asio::ssl::context> context);

}  // namespace pghang
