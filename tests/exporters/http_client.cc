#include "tests/exporters/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <future>
#include <stdexcept>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

namespace pghang {

HttpClient::HttpClient(std::uint16_t port)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval limit{10, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the socket API's own convention.
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("connect failed");
}

bool HttpClient::start_tls() {
  const std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)> context(
      ::SSL_CTX_new(::TLS_client_method()),
      &::SSL_CTX_free
  );
  tls_.reset(::SSL_new(context.get()));
  ::SSL_set_fd(tls_.get(), socket_.get());
  return ::SSL_connect(tls_.get()) == 1;
}

void HttpClient::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = tls_
                             ? ::SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()))
                             : ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool HttpClient::fill() {
  std::array<char, 65536> chunk{};
  const ssize_t size = tls_ ? ::SSL_read(tls_.get(), chunk.data(), static_cast<int>(chunk.size()))
                            : ::recv(socket_.get(), chunk.data(), chunk.size(), 0);
  if (size > 0) buffer_.append(chunk.data(), static_cast<std::size_t>(size));
  return size > 0;
}

std::optional<ClientResponse> HttpClient::receive(bool head) {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return std::nullopt;
  }
  ClientResponse response;
  std::string header = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  response.status = std::stoi(header.substr(header.find(' ') + 1));
  header.erase(0, header.find("\r\n") + 2);
  while (!header.empty()) {
    const std::size_t line_end = header.find("\r\n");
    const std::size_t colon = header.find(": ");
    std::string name = header.substr(0, colon);
    std::ranges::transform(name, name.begin(), [](unsigned char c) {
      return static_cast<char>(std::tolower(c));
    });
    response.fields[name] = header.substr(colon + 2, line_end - colon - 2);
    header.erase(0, line_end + 2);
  }
  const bool bodiless = head || response.status < 200 || response.status == 304;
  const std::size_t length = bodiless ? 0 : std::stoul(response.fields.at("content-length"));
  while (buffer_.size() < length) {
    if (!fill()) return std::nullopt;
  }
  response.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return response;
}

bool HttpClient::has_input() const {
  char byte = 0;
  return ::recv(socket_.get(), &byte, 1, MSG_PEEK) == 1;
}

bool HttpClient::closed_by_server() {
  errno = 0;
  while (fill())
    buffer_.clear();
  return errno == 0 || errno == ECONNRESET;
}

ServedHttp::ServedHttp(
    HttpHandler handler,
    const HttpLimits& limits,
    std::shared_ptr<boost::asio::ssl::context> tls
) {
  auto server =
      HttpServer::start(loop_.get_executor(), {"127.0.0.1:0"}, std::move(handler), limits);
  if (!server) throw std::runtime_error(server.error().context);
  server_ = std::move(*server);
  server_->use_tls(std::move(tls));
  const std::string address = server_->addresses().front();
  port_ = static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1)));
  thread_ = std::thread([this] {
    const auto work = boost::asio::make_work_guard(loop_);
    loop_.run();
  });
}

ServedHttp::~ServedHttp() {
  loop_.stop();
  thread_.join();
}

std::optional<ClientResponse> ServedHttp::ask(const std::string& path, const std::string& method)
    const {
  HttpClient client = connect();
  client.send(method + ' ' + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  return client.receive(method == "HEAD");
}

void ServedHttp::with_server(const std::function<void(HttpServer&)>& change) {
  std::promise<void> done;
  boost::asio::post(loop_, [&] {
    change(*server_);
    done.set_value();
  });
  done.get_future().wait();
}

void ServedHttp::destroy_server() {
  with_server([this](HttpServer&) { server_.reset(); });
}

std::shared_ptr<boost::asio::ssl::context> self_signed_context() {
  const std::unique_ptr<EVP_PKEY, decltype(&::EVP_PKEY_free)> key(
      ::EVP_EC_gen("P-256"),
      &::EVP_PKEY_free
  );
  const std::unique_ptr<X509, decltype(&::X509_free)> certificate(::X509_new(), &::X509_free);
  ::X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  ::X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  ::X509_set_pubkey(certificate.get(), key.get());
  ::X509_sign(certificate.get(), key.get(), ::EVP_sha256());
  auto context = std::make_shared<boost::asio::ssl::context>(boost::asio::ssl::context::tls_server);
  ::SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  if (::SSL_CTX_use_certificate(context->native_handle(), certificate.get()) != 1 ||
      ::SSL_CTX_use_PrivateKey(context->native_handle(), key.get()) != 1)
    throw std::runtime_error("no certificate");
  return context;
}

std::string get(const std::string& path, const std::string& extra) {
  return "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + extra + "\r\n";
}

}  // namespace pghang
