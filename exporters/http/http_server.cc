#include "exporters/http/http_server.h"

#include <unistd.h>

#include <algorithm>
#include <list>
#include <optional>
#include <type_traits>
#include <unordered_set>
#include <utility>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "exporters/http/control_socket.h"
#include "exporters/http/listen_address.h"
#include "exporters/text.h"
#include "exporters/view.h"

namespace pghang {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using asio::local::stream_protocol;
using Socket = asio::generic::stream_protocol::socket;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Response = http::response<http::string_body>;

constexpr std::size_t kReadChunk = 4096;
/// A request header and some of what follows; a body leaves it piece by piece.
constexpr std::size_t kBufferBytes = 24UL * 1024;
constexpr std::size_t kLingerBytes = 256UL * 1024;
/// Accepting failed (no descriptor left): trying again at once would spin.
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr const char* kContentSecurityPolicy =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

void add_fixed_fields(Response& response) {
  response.set(http::field::server, "pghangd");
  response.set(http::field::date, http_date(wall_clock_micros()));
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Referrer-Policy", "no-referrer");
  response.set("Content-Security-Policy", kContentSecurityPolicy);
}

Response plain(http::status status, const std::string& text) {
  Response response(status, 11);
  add_fixed_fields(response);
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  response.body() = text + '\n';
  response.prepare_payload();
  response.keep_alive(false);
  return response;
}

HttpRequest as_request(const http::request<http::string_body>& message) {
  const std::string_view target(message.target().data(), message.target().size());
  const std::size_t question = std::min(target.find('?'), target.size());
  HttpRequest request;
  request.method = std::string(message.method_string());
  if (message.method() == http::verb::head) request.method = "GET";
  request.path = std::string(target.substr(0, question));
  request.query = std::string(target.substr(std::min(question + 1, target.size())));
  request.authorization = std::string(message[http::field::authorization]);
  request.if_none_match = std::string(message[http::field::if_none_match]);
  return request;
}

/// Where a connection came from.
struct Peer {
  std::string name;
  bool control = false;
};

Peer peer_of_tcp(const tcp::socket& socket) {
  error_code failed;
  const tcp::endpoint endpoint = socket.remote_endpoint(failed);
  return {failed ? "unknown" : to_text(endpoint), false};
}

class Session;

/// Listeners and sessions. Operations under way hold it: they end one turn of the loop after the
/// HttpServer that started them.
class Server : public std::enable_shared_from_this<Server> {
 public:
  Server(asio::any_io_executor executor, HttpHandler handler, const HttpLimits& limits)
      : executor_(std::move(executor)),
        handler_(std::move(handler)),
        limits_(limits) {}

  Result<void> listen(const std::string& address);
  Result<void> listen_at(const std::string& path);
  Result<void> adopt(UniqueFd socket);
  void accept_all();
  void stop();

  [[nodiscard]] const std::vector<std::string>& addresses() const { return addresses_; }

  [[nodiscard]] const HttpLimits& limits() const { return limits_; }

  [[nodiscard]] HttpResponse answer(const HttpRequest& request) const { return handler_(request); }

  void enter(Session& session) { sessions_.insert(&session); }

  void leave(Session& session) { sessions_.erase(&session); }

 private:
  template <typename Protocol>
  struct Listener {
    explicit Listener(typename Protocol::acceptor&& open)
        : acceptor(std::move(open)),
          pause(acceptor.get_executor()) {}

    typename Protocol::acceptor acceptor;
    asio::steady_timer pause;
  };

  template <typename Protocol>
  void accept(Listener<Protocol>& listener);
  template <typename Protocol>
  void pause(Listener<Protocol>& listener);
  void admit(Socket socket, Peer peer);
  Listener<tcp>& keep(tcp::acceptor acceptor);

  asio::any_io_executor executor_;
  HttpHandler handler_;
  HttpLimits limits_;
  std::list<Listener<tcp>> listeners_;
  std::optional<Listener<stream_protocol>> control_;
  std::string control_path_;
  std::vector<std::string> addresses_;     ///< of the listeners
  std::unordered_set<Session*> sessions_;  ///< those with an open socket
  bool stopped_ = false;
};

/// One connection. Shared by its pending operation alone (there is one at a time): it ends when
/// that is answered by no further one.
class Session : public std::enable_shared_from_this<Session> {
 public:
  enum class State { idle, receiving, answering };

  Session(std::shared_ptr<Server> server, Socket socket, Peer peer)
      : server_(std::move(server)),
        peer_(std::move(peer)),
        stream_(std::move(socket)) {
    server_->enter(*this);
  }

  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  ~Session() { server_->leave(*this); }

  void start() { await_request(Clock::now() + server_->limits().request, true); }

  /// Its pending operation ends with an error and then does nothing more.
  void close() {
    closed_ = true;
    server_->leave(*this);
    stream_.close();
  }

  /// Whom to close first when there is no place: the longest idle, then the slowest sender.
  [[nodiscard]] std::pair<State, Clock::time_point> rank() const { return {state_, since_}; }

 private:
  void enter_state(State state) {
    state_ = state;
    since_ = Clock::now();
  }

  /// Waits for a request's first byte, so that idleness and slowness have limits of their own.
  void await_request(Clock::time_point deadline, bool first) {
    enter_state(State::idle);
    if (buffer_.size() > 0) return receive(Clock::now() + server_->limits().request);
    stream_.expires_at(deadline);
    stream_.async_read_some(
        buffer_.prepare(kReadChunk),
        [self = shared_from_this(), deadline, first](error_code failed, std::size_t size) {
          if (failed || self->closed_) return self->close();
          self->buffer_.commit(size);
          self->receive(first ? deadline : Clock::now() + self->server_->limits().request);
        }
    );
  }

  void receive(Clock::time_point deadline) {
    enter_state(State::receiving);
    parser_.emplace();
    parser_->header_limit(server_->limits().header_bytes);
    parser_->body_limit(server_->limits().body_bytes);
    stream_.expires_at(deadline);
    http::async_read(
        stream_,
        buffer_,
        *parser_,
        [self = shared_from_this()](error_code failed, std::size_t) {
          if (self->closed_) return;
          self->received(failed);
        }
    );
  }

  void received(error_code failed) {
    if (!failed) return answer();
    const bool gone =
        failed == http::error::end_of_stream || failed == http::error::partial_message;
    if (gone || failed.category() != http::make_error_code(http::error{}).category())
      return close();
    if (failed == http::error::header_limit || failed == http::error::buffer_overflow)
      return send(plain(http::status::request_header_fields_too_large, "request header too large"));
    if (failed == http::error::body_limit)
      return send(plain(http::status::payload_too_large, "request body too large"));
    send(plain(http::status::bad_request, "malformed request: " + failed.message()));
  }

  void answer() {
    const http::request<http::string_body>& message = parser_->get();
    // RFC 9112 section 3.2: a request without Host is answered 400.
    if (message.version() == 11 && message.find(http::field::host) == message.end())
      return send(plain(http::status::bad_request, "malformed request: no Host"));
    if (message.target().empty() || message.target().front() != '/')
      return send(plain(http::status::bad_request, "malformed request: target is not a path"));

    HttpRequest request = as_request(message);
    request.peer = peer_.name;
    request.control = peer_.control;
    HttpResponse made = server_->answer(request);
    if (!made.deferred) return reply(std::move(made));
    enter_state(State::answering);
    made.deferred([self = shared_from_this()](HttpResponse late) {
      if (!self->closed_) self->reply(std::move(late));
    });
  }

  void reply(HttpResponse made) {
    const http::request<http::string_body>& message = parser_->get();
    Response response(http::int_to_status(static_cast<unsigned>(made.status)), message.version());
    add_fixed_fields(response);
    response.set(http::field::content_type, made.content_type);
    if (!made.allow.empty()) response.set(http::field::allow, made.allow);
    if (!made.etag.empty()) response.set(http::field::etag, made.etag);
    if (!made.challenge.empty()) response.set(http::field::www_authenticate, made.challenge);
    response.content_length(made.body.size());
    response.keep_alive(message.keep_alive());
    if (message.method() != http::verb::head) response.body() = std::move(made.body);
    send(std::move(response));
  }

  void send(Response response) {
    enter_state(State::answering);
    response_ = std::move(response);
    stream_.expires_after(server_->limits().write);
    http::async_write(
        stream_,
        response_,
        [self = shared_from_this()](error_code failed, std::size_t) {
          if (failed || self->closed_) return self->close();
          if (!self->response_.keep_alive()) return self->finish();
          self->response_ = {};
          self->await_request(Clock::now() + self->server_->limits().idle, false);
        }
    );
  }

  /// Closing with bytes unread would reset the connection and could take the answer with it.
  void finish() {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.expires_after(server_->limits().linger);
    linger(kLingerBytes);
  }

  void linger(std::size_t left) {
    enter_state(State::idle);
    buffer_.clear();
    stream_.async_read_some(
        buffer_.prepare(kReadChunk),
        [self = shared_from_this(), left](error_code failed, std::size_t size) {
          if (failed || self->closed_ || size >= left) return self->close();
          self->linger(left - size);
        }
    );
  }

  std::shared_ptr<Server> server_;
  Peer peer_;
  beast::basic_stream<asio::generic::stream_protocol> stream_;
  beast::flat_buffer buffer_{kBufferBytes};
  std::optional<http::request_parser<http::string_body>> parser_;
  Response response_;
  State state_ = State::idle;
  Clock::time_point since_;
  bool closed_ = false;
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
    if constexpr (std::is_same_v<Protocol, tcp>) {
      Peer peer = peer_of_tcp(socket);
      self->admit(std::move(socket), std::move(peer));
    } else {
      Peer peer{peer_of(socket), true};
      self->admit(std::move(socket), std::move(peer));
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

void Server::admit(Socket socket, Peer peer) {
  if (sessions_.size() >= limits_.connections) {
    Session& weakest = **std::ranges::min_element(sessions_, {}, [](const Session* session) {
      return session->rank();
    });
    // Whoever is being answered is served: then the newcomer goes.
    if (weakest.rank().first == Session::State::answering) return;
    weakest.close();
  }
  std::make_shared<Session>(shared_from_this(), std::move(socket), std::move(peer))->start();
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
  while (!sessions_.empty())
    (*sessions_.begin())->close();
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

std::vector<std::string> HttpServer::addresses() const {
  return impl_->server->addresses();
}

}  // namespace pghang
