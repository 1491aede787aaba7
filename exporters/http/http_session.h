#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>

#include <boost/asio/steady_timer.hpp>

#include "exporters/http/http_limits.h"
#include "exporters/http/http_message.h"
#include "exporters/http/http_transport.h"
#include "exporters/http/request_reader.h"

namespace pghang {

class HttpSession;

/// What the sessions of one server have in common. Shared with them: their last operations end one
/// turn of the loop after the server.
struct HttpSessions {
  HttpHandler handler;
  HttpLimits limits{};
  HttpFields headers{};                     ///< of every answer, beside our own
  std::unordered_set<HttpSession*> open{};  ///< those with an open connection
};

/// Where a connection came from.
struct HttpPeer {
  std::string name;          ///< HttpRequest::peer
  bool control = false;      ///< by the control socket
  bool to_loopback = false;  ///< to a loopback address of this host
};

/// One connection: requests in turn, each with its deadlines. Shared by its pending operation
/// alone (one of the transport, and the timer): it ends when that is answered by no further one.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  using Clock = std::chrono::steady_clock;
  enum class State {
    idle,       ///< between two requests, in a handshake, or about to be closed
    receiving,  ///< of a request the first byte is here
    answering,  ///< its answer is being written
    deferred,   ///< its handler answers later
  };

  HttpSession(
      std::shared_ptr<HttpSessions> sessions,
      const boost::asio::any_io_executor& executor,
      std::unique_ptr<HttpTransport> transport,
      HttpPeer peer
  );
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;
  ~HttpSession();

  /// Once, when a shared_ptr holds it.
  void start();
  /// Its pending operation ends with an error and then does nothing more.
  void close();

  /// Whom to close first when there is no place: who has been idle, or sending, for the longest, so
  /// that a newcomer has time to send its request; then the slowest reader.
  [[nodiscard]] std::pair<State, Clock::time_point> rank() const {
    return {std::max(state_, State::receiving), since_};
  }

 private:
  static constexpr std::size_t kReadChunk = 4096;

  void enter(State state);
  void expire_after(std::chrono::milliseconds time);
  void shake_hands(boost::system::error_code failed);
  void await_request();
  void read();
  void received(std::size_t size);
  void read_request();
  void tell_to_continue();
  void answer();
  void reply(HttpResponse response);
  void send(HttpResponse response, bool keep_alive);
  void sent(bool keep_alive);
  void finish();
  void drain(std::size_t left);

  std::shared_ptr<HttpSessions> sessions_;
  std::unique_ptr<HttpTransport> transport_;
  HttpPeer peer_;
  boost::asio::steady_timer timer_;
  RequestReader reader_;
  std::array<char, kReadChunk> chunk_{};
  std::string received_;  ///< of the request under way and later ones, not read yet
  std::string header_;    ///< of the answer under way
  std::string body_;
  State state_ = State::idle;
  Clock::time_point since_;
  bool first_request_ = true;
  bool closed_ = false;
};

}  // namespace pghang
