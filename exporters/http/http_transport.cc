#include "exporters/http/http_transport.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <utility>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

namespace pghang {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

std::array<asio::const_buffer, 2> buffers(std::string_view first, std::string_view second) {
  return {asio::buffer(first.data(), first.size()), asio::buffer(second.data(), second.size())};
}

bool shows_verified_certificate(const SSL* ssl) {
  return ::SSL_get0_peer_certificate(ssl) != nullptr && ::SSL_get_verify_result(ssl) == X509_V_OK;
}

class PlainTransport final : public HttpTransport {
 public:
  explicit PlainTransport(HttpSocket socket) : socket_(std::move(socket)) {}

  [[nodiscard]] bool client_verified() const override { return false; }

  void handshake(Done done) override { done({}); }

  void read_some(asio::mutable_buffer into, Read done) override {
    socket_.async_read_some(into, std::move(done));
  }

  void write(std::string_view first, std::string_view second, Done done) override {
    asio::async_write(
        socket_,
        buffers(first, second),
        [done = std::move(done)](error_code failed, std::size_t) { done(failed); }
    );
  }

  void end(Done done) override {
    error_code failed;
    socket_.shutdown(HttpSocket::shutdown_send, failed);
    done(failed);
  }

  void drain_some(asio::mutable_buffer into, Read done) override {
    read_some(into, std::move(done));
  }

  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  HttpSocket socket_;
};

class TlsTransport final : public HttpTransport {
 public:
  TlsTransport(HttpSocket socket, std::shared_ptr<asio::ssl::context> context)
      : context_(std::move(context)),
        stream_(std::move(socket), *context_) {
    ::SSL_set_options(stream_.native_handle(), SSL_OP_NO_RENEGOTIATION);
    ::SSL_set_mode(stream_.native_handle(), SSL_MODE_RELEASE_BUFFERS);
  }

  [[nodiscard]] bool client_verified() const override { return client_verified_; }

  void handshake(Done done) override {
    stream_.async_handshake(
        asio::ssl::stream_base::server,
        [this, done = std::move(done)](error_code failed) {
          without_tls_ = speaks_plain_http(failed);
          client_verified_ = !failed && shows_verified_certificate(stream_.native_handle());
          done(failed);
        }
    );
  }

  void read_some(asio::mutable_buffer into, Read done) override {
    stream_.async_read_some(into, std::move(done));
  }

  void write(std::string_view first, std::string_view second, Done done) override {
    const auto parts = buffers(first, second);
    auto written = [done = std::move(done)](error_code failed, std::size_t) {
      done(failed);
    };
    if (without_tls_) {
      asio::async_write(stream_.next_layer(), parts, std::move(written));
    } else {
      asio::async_write(stream_, parts, std::move(written));
    }
  }

  /// The client's close_notify is waited for; whatever else comes of it, the connection's end is
  /// said too.
  void end(Done done) override {
    if (without_tls_) return end_connection(done);
    stream_.async_shutdown([this, done = std::move(done)](error_code) { end_connection(done); });
  }

  void drain_some(asio::mutable_buffer into, Read done) override {
    stream_.next_layer().async_read_some(into, std::move(done));
  }

  void close() override {
    error_code ignored;
    stream_.next_layer().close(ignored);
  }

 private:
  void end_connection(const Done& done) {
    error_code failed;
    stream_.next_layer().shutdown(HttpSocket::shutdown_send, failed);
    done(failed);
  }

  std::shared_ptr<asio::ssl::context> context_;  ///< may be replaced while connections are open
  asio::ssl::stream<HttpSocket> stream_;
  bool without_tls_ = false;
  bool client_verified_ = false;
};

}  // namespace

bool speaks_plain_http(error_code failed) {
  return failed.category() == asio::error::get_ssl_category() &&
         ERR_GET_REASON(static_cast<unsigned long>(failed.value())) == SSL_R_HTTP_REQUEST;
}

std::unique_ptr<HttpTransport> plain_transport(HttpSocket socket) {
  return std::make_unique<PlainTransport>(std::move(socket));
}

std::unique_ptr<HttpTransport>
tls_transport(HttpSocket socket, std::shared_ptr<asio::ssl::context> context) {
  try {
    return std::make_unique<TlsTransport>(std::move(socket), std::move(context));
  } catch (...) {  // Asio throws what SSL_new() says
    return nullptr;
  }
}

}  // namespace pghang
