#include "exporters/http/http_session.h"

#include "exporters/http/content_coding.h"
#include "exporters/http/response_header.h"
#include "exporters/view.h"

namespace pghang {
namespace {

using boost::system::error_code;

constexpr std::size_t kLingerBytes = 256UL * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

HttpSession::HttpSession(
    std::shared_ptr<HttpSessions> sessions,
    const boost::asio::any_io_executor& executor,
    std::unique_ptr<HttpTransport> transport,
    HttpPeer peer
)
    : sessions_(std::move(sessions)),
      transport_(std::move(transport)),
      peer_(std::move(peer)),
      timer_(executor),
      reader_(sessions_->limits) {
  sessions_->open.insert(this);
}

HttpSession::~HttpSession() {
  sessions_->open.erase(this);
}

void HttpSession::start() {
  enter(State::idle);
  expire_after(sessions_->limits.request);
  transport_->handshake([self = shared_from_this()](error_code failed) {
    if (!self->closed_) self->shake_hands(failed);
  });
}

void HttpSession::close() {
  closed_ = true;
  sessions_->open.erase(this);
  timer_.cancel();
  transport_->close();
}

void HttpSession::enter(State state) {
  state_ = state;
  since_ = Clock::now();
}

void HttpSession::expire_after(std::chrono::milliseconds time) {
  timer_.expires_after(time);
  timer_.async_wait([self = shared_from_this()](error_code cancelled) {
    // One that had expired just before a later deadline was set says nothing of that one.
    if (!cancelled && !self->closed_ && self->timer_.expiry() <= Clock::now()) self->close();
  });
}

void HttpSession::shake_hands(error_code failed) {
  if (speaks_plain_http(failed))
    return send(plain_response(400, "Client sent an HTTP request to an HTTPS server."), false);
  if (failed) return close();
  await_request();
}

/// Until a request's first byte it is idle, so that idleness and slowness have limits of their own.
/// For its first request a connection has one limit for all, from its beginning.
void HttpSession::await_request() {
  enter(State::idle);
  if (!received_.empty()) {
    enter(State::receiving);
    expire_after(sessions_->limits.request);
    return read_request();
  }
  if (!first_request_) expire_after(sessions_->limits.idle);
  read();
}

void HttpSession::read() {
  transport_->read_some(
      boost::asio::buffer(chunk_),
      [self = shared_from_this()](error_code failed, std::size_t size) {
        if (self->closed_) return;
        if (failed) return self->close();
        self->received(size);
      }
  );
}

void HttpSession::received(std::size_t size) {
  received_.append(chunk_.data(), size);
  if (state_ == State::idle) {
    enter(State::receiving);
    if (!first_request_) expire_after(sessions_->limits.request);
  }
  read_request();
}

void HttpSession::read_request() {
  switch (reader_.put(received_)) {
    case RequestReader::Step::more: return read();
    case RequestReader::Step::wants_continue: return tell_to_continue();
    case RequestReader::Step::complete: return answer();
    case RequestReader::Step::refused: return send(reader_.refusal(), false);
  }
}

void HttpSession::tell_to_continue() {
  transport_->write(kContinue, {}, [self = shared_from_this()](error_code failed) {
    if (self->closed_) return;
    if (failed) return self->close();
    self->read();
  });
}

void HttpSession::answer() {
  first_request_ = false;
  HttpRequest request = reader_.request();
  request.peer = peer_.name;
  request.control = peer_.control;
  request.loopback = peer_.to_loopback;
  request.client_verified = transport_->client_verified();
  HttpResponse made = sessions_->handler(request);
  if (!made.deferred) return reply(std::move(made));
  enter(State::deferred);
  timer_.cancel();
  made.deferred([self = shared_from_this()](HttpResponse late) {
    if (!self->closed_) self->reply(std::move(late));
  });
}

void HttpSession::reply(HttpResponse response) {
  send(std::move(response), reader_.keep_alive());
}

void HttpSession::send(HttpResponse response, bool keep_alive) {
  enter(State::answering);
  expire_after(sessions_->limits.write);
  ResponseFraming framing{
      .http_1_0 = reader_.is_http_1_0(),
      .keep_alive = keep_alive,
      .varies = is_compressible(response.body.size()),
  };
  if (framing.varies && reader_.takes_gzip()) {
    if (auto compressed = gzip(response.body)) {
      response.body = std::move(*compressed);
      framing.content_encoding = "gzip";
    }
  }
  framing.content_length = response.body.size();
  header_ = response_header(response, framing, sessions_->headers, wall_clock_micros());
  body_ = reader_.is_head() ? std::string() : std::move(response.body);
  transport_->write(header_, body_, [self = shared_from_this(), keep_alive](error_code failed) {
    if (self->closed_) return;
    if (failed) return self->close();
    self->sent(keep_alive);
  });
}

void HttpSession::sent(bool keep_alive) {
  header_.clear();
  std::string().swap(body_);
  if (!keep_alive) return finish();
  reader_.next();
  await_request();
}

/// Closing with bytes unread would reset the connection and could take the answer with it.
void HttpSession::finish() {
  enter(State::idle);
  expire_after(sessions_->limits.linger);
  transport_->end([self = shared_from_this()](error_code) {
    if (!self->closed_) self->drain(kLingerBytes);
  });
}

void HttpSession::drain(std::size_t left) {
  transport_->drain_some(
      boost::asio::buffer(chunk_),
      [self = shared_from_this(), left](error_code failed, std::size_t size) {
        if (self->closed_) return;
        if (failed || size >= left) return self->close();
        self->drain(left - size);
      }
  );
}

}  // namespace pghang
