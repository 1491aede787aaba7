#include "exporters/http/http_server.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <optional>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "exporters/http/control_socket.h"
#include "exporters/http/http_session.h"
#include "exporters/http/listen_address.h"

namespace pghang {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::local::stream_protocol;
using boost::system::error_code;

/// Accepting failed (no descriptor left): trying again at once would spin.
constexpr std::chrono::milliseconds kAcceptPause{100};
/// Connections taken in one turn of the loop. One a turn would let those that keep it busy delay
/// everybody who comes: 200 hanging clients delayed a scrape by 5 s on a machine with a load of 20.
constexpr int kAcceptAtOnce = 32;
/// What the kernel keeps of answers that a client does not read; beyond, it has to wait. By default
/// that grows to 4 MiB, and who sends requests without reading has as many answers made.
constexpr int kSendBufferBytes = 128 * 1024;

HttpPeer peer_of_tcp(const tcp::socket& socket) {
  error_code failed;
  HttpPeer peer;
  const tcp::endpoint there = socket.remote_endpoint(failed);
  peer.name = failed ? "unknown" : to_text(there);
  const tcp::endpoint here = socket.local_endpoint(failed);
  peer.to_loopback = !failed && is_loopback(here.address());
  return peer;
}

/// Listeners and sessions. Operations under way hold it: they end one turn of the loop after the
/// HttpServer that started them.
class Server : public std::enable_shared_from_this<Server> {
 public:
  Server(asio::any_io_executor executor, HttpHandler handler, const HttpLimits& limits)
      : executor_(std::move(executor)),
        sessions_(std::make_shared<HttpSessions>(HttpSessions{std::move(handler), limits})) {}

  Result<void> listen(const std::string& address);
  Result<void> listen_at(const std::string& path);
  Result<void> adopt(UniqueFd socket);
  void accept_all();
  void stop();

  [[nodiscard]] const std::vector<std::string>& addresses() const { return addresses_; }

  void use_tls(std::shared_ptr<asio::ssl::context> context) { tls_ = std::move(context); }

  void add_headers(HttpFields headers) { sessions_->headers = std::move(headers); }

 private:
  template <typename Protocol>
  struct Listener {
    explicit Listener(typename Protocol::acceptor&& open)
        : acceptor(std::move(open)),
          pause(acceptor.get_executor()) {
      error_code ignored;
      acceptor.non_blocking(true, ignored);
    }

    typename Protocol::acceptor acceptor;
    asio::steady_timer pause;
  };

  template <typename Protocol>
  void accept(Listener<Protocol>& listener);
  template <typename Protocol>
  void pause(Listener<Protocol>& listener);
  void admit(stream_protocol::socket socket);
  void admit(tcp::socket socket);
  [[nodiscard]] bool make_place();
  void admit(std::unique_ptr<HttpTransport> transport, HttpPeer peer);
  Listener<tcp>& keep(tcp::acceptor acceptor);

  asio::any_io_executor executor_;
  std::shared_ptr<HttpSessions> sessions_;
  std::shared_ptr<asio::ssl::context> tls_;  ///< null: TCP clients speak plain HTTP
  std::list<Listener<tcp>> listeners_;
  std::optional<Listener<stream_protocol>> control_;
  std::string control_path_;
  std::vector<std::string> addresses_;  ///< of the listeners
  bool stopped_ = false;
};

Result<void> Server::listen(const std::string& address) {
  auto acceptor = open_acceptor(executor_, address);
  if (!acceptor) return acceptor.error();
  keep(std::move(*acceptor));
  return {};
}

Result<void> Server::listen_at(const std::string& path) {
  auto acceptor = open_control_socket(executor_, path);
  if (!acceptor) return acceptor.error();
  control_.emplace(std::move(*acceptor));
  control_path_ = path;
  accept(*control_);
  return {};
}

Result<void> Server::adopt(UniqueFd socket) {
  auto acceptor = adopt_acceptor(executor_, std::move(socket));
  if (!acceptor) return acceptor.error();
  accept(keep(std::move(*acceptor)));
  return {};
}

Server::Listener<tcp>& Server::keep(tcp::acceptor acceptor) {
  error_code ignored;
  addresses_.push_back(to_text(acceptor.local_endpoint(ignored)));
  // tcp(7): whoever connects inherits them.
  acceptor.set_option(tcp::no_delay(true), ignored);
  acceptor.set_option(asio::socket_base::send_buffer_size(kSendBufferBytes), ignored);
  return listeners_.emplace_back(std::move(acceptor));
}

void Server::accept_all() {
  for (Listener<tcp>& listener : listeners_)
    accept(listener);
}

template <typename Protocol>
void Server::accept(Listener<Protocol>& listener) {
  listener.acceptor.async_accept([self = shared_from_this(),
                                  &listener](error_code failed, typename Protocol::socket socket) {
    if (self->stopped_) return;
    if (failed) return self->pause(listener);
    self->admit(std::move(socket));
    for (int i = 1; i < kAcceptAtOnce; ++i) {
      error_code none_waits;
      auto next = listener.acceptor.accept(none_waits);
      if (none_waits) break;
      self->admit(std::move(next));
    }
    self->accept(listener);
  });
}

template <typename Protocol>
void Server::pause(Listener<Protocol>& listener) {
  listener.pause.expires_after(kAcceptPause);
  listener.pause.async_wait([self = shared_from_this(), &listener](error_code) {
    if (!self->stopped_) self->accept(listener);
  });
}

void Server::admit(stream_protocol::socket socket) {
  HttpPeer peer{peer_of(socket), true};
  admit(plain_transport(std::move(socket)), std::move(peer));
}

void Server::admit(tcp::socket socket) {
  HttpPeer peer = peer_of_tcp(socket);
  admit(
      tls_ ? tls_transport(std::move(socket), tls_) : plain_transport(std::move(socket)),
      std::move(peer)
  );
}

/// False: they are all being answered, and the newcomer goes.
bool Server::make_place() {
  if (sessions_->open.size() < sessions_->limits.connections) return true;
  HttpSession& weakest =
      **std::ranges::min_element(sessions_->open, {}, [](const HttpSession* session) {
        return session->rank();
      });
  const auto [state, since] = weakest.rank();
  const auto patience = sessions_->limits.crowded_write;
  const bool reads_slowly = HttpSession::Clock::now() - since > patience;
  if (state == HttpSession::State::deferred) return false;
  if (state == HttpSession::State::answering && !reads_slowly) return false;
  weakest.close();
  return true;
}

void Server::admit(std::unique_ptr<HttpTransport> transport, HttpPeer peer) {
  if (!transport || !make_place()) return;
  std::make_shared<HttpSession>(sessions_, executor_, std::move(transport), std::move(peer))
      ->start();
}

void Server::stop() {
  stopped_ = true;
  for (Listener<tcp>& listener : listeners_) {
    listener.acceptor.close();
    listener.pause.cancel();
  }
  if (control_) {
    control_->acceptor.close();
    control_->pause.cancel();
    ::unlink(control_path_.c_str());
  }
  while (!sessions_->open.empty())
    (*sessions_->open.begin())->close();
}

}  // namespace

struct HttpServer::Impl {
  std::shared_ptr<Server> server;  ///< shared with the operations under way
};

Result<std::unique_ptr<HttpServer>> HttpServer::start(
    asio::any_io_executor executor,
    const std::vector<std::string>& addresses,
    HttpHandler handler,
    const HttpLimits& limits
) {
  auto server = std::make_shared<Server>(std::move(executor), std::move(handler), limits);
  for (const std::string& address : addresses) {
    if (auto listening = server->listen(address); !listening) return listening.error();
  }
  server->accept_all();
  return std::unique_ptr<HttpServer>(new HttpServer(std::make_unique<Impl>(Impl{std::move(server)}))
  );
}

Result<void> HttpServer::serve_control_socket(const std::string& path) {
  return impl_->server->listen_at(path);
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  try {
    impl_->server->stop();
  } catch (...) {  // a failing close: what is left goes with the loop
  }
}

Result<void> HttpServer::adopt(UniqueFd socket) {
  return impl_->server->adopt(std::move(socket));
}

void HttpServer::use_tls(std::shared_ptr<boost::asio::ssl::context> context) {
  impl_->server->use_tls(std::move(context));
}

void HttpServer::add_headers(HttpFields headers) {
  impl_->server->add_headers(std::move(headers));
}

std::vector<std::string> HttpServer::addresses() const {
  return impl_->server->addresses();
}

}  // namespace pghang
