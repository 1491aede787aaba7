#include "collectors/sampler/client_channel.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "collectors/sampler/client.h"
#include "collectors/sampler/packet_socket.h"

namespace pghang::sampler {

namespace asio = boost::asio;

/// One request that waits. Lives in the frame of ask().
struct ClientChannel::Waiter {
  asio::steady_timer wake;
  std::optional<Answer> answer;
  bool disconnected = false;
};

/// Takes the waiter off the list however ask() ends, the destruction of its frame included.
class ClientChannel::Registration {
 public:
  Registration(ClientChannel& channel, std::uint64_t id, Waiter& waiter, bool uses_worker)
      : channel_(channel),
        id_(id),
        uses_worker_(uses_worker) {
    channel_.waiters_.emplace(id, &waiter);
    if (uses_worker_) channel_.worker_in_use_ = true;
  }

  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

  ~Registration() {
    channel_.waiters_.erase(id_);
    if (uses_worker_) channel_.worker_in_use_ = false;
    if (channel_.waiters_.empty() && channel_.socket_.is_open()) {
      boost::system::error_code ignored;
      channel_.socket_.cancel(ignored);
    }
  }

 private:
  ClientChannel& channel_;
  std::uint64_t id_;
  bool uses_worker_;
};

ClientChannel::ClientChannel(const asio::any_io_executor& executor, UniqueFd socket)
    : socket_(executor, socket.release()) {}

asio::awaitable<Result<Answer>> ClientChannel::ask(
    std::shared_ptr<ClientChannel> self,
    MessageType type,
    std::string body,
    std::chrono::milliseconds deadline
) {
  const bool uses_worker = type != MessageType::stats && type != MessageType::signal;
  if (!self->socket_.is_open()) co_return Error{Errc::disconnected, "the capture helper is gone"};
  if (uses_worker && self->worker_in_use_) {
    co_return Error{Errc::busy, "another capture is under way"};
  }
  const auto bounded =
      std::clamp(deadline, std::chrono::milliseconds(1), std::chrono::milliseconds(kMaxDeadlineMs));
  const std::uint64_t id = ++self->last_id_;
  const Header header{
      .type = type,
      .id = id,
      .deadline_ms = static_cast<std::uint32_t>(bounded.count())};
  switch (send_packet(self->socket_.native_handle(), encode_message(header, body))) {
    case SendStatus::sent: break;
    case SendStatus::full: co_return Error{Errc::busy, "the capture helper does not read"};
    case SendStatus::closed: co_return Error{Errc::disconnected, "the capture helper is gone"};
  }
  Waiter waiter{.wake{self->socket_.get_executor(), bounded + kAnswerMargin}, .answer = {}};
  const Registration registration(*self, id, waiter, uses_worker);
  self->wait_readable();
  co_await waiter.wake.async_wait(asio::as_tuple(asio::use_awaitable));
  if (waiter.answer) co_return *std::move(waiter.answer);
  if (waiter.disconnected) co_return Error{Errc::disconnected, "the capture helper is gone"};
  co_return Error{Errc::timeout, "the capture helper did not answer"};
}

void ClientChannel::close() {
  if (!socket_.is_open()) return;
  boost::system::error_code ignored;
  socket_.close(ignored);
  for (auto& [id, waiter] : waiters_) {
    waiter->disconnected = true;
    waiter->wake.cancel();
  }
}

void ClientChannel::wait_readable() {
  if (waiting_readable_ || waiters_.empty() || !socket_.is_open()) return;
  waiting_readable_ = true;
  socket_.async_wait(
      asio::posix::stream_descriptor::wait_read,
      [self = shared_from_this()](const boost::system::error_code& error) {
        self->waiting_readable_ = false;
        if (!error && self->socket_.is_open()) self->read_all();
        self->wait_readable();
      }
  );
}

void ClientChannel::read_all() {
  for (;;) {
    const Received received = receive_packet(socket_.native_handle(), buffer_);
    switch (received.status) {
      case ReceiveStatus::none: return;
      case ReceiveStatus::closed: close(); return;
      case ReceiveStatus::packet: deliver(received.packet);
    }
  }
}

void ClientChannel::deliver(std::string_view packet) {
  const auto message = decode_message(packet);
  if (!message) return;
  const auto found = waiters_.find(message->header.id);
  if (found == waiters_.end()) return;
  Waiter& waiter = *found->second;
  waiter.answer = Answer{message->header.type, std::string(message->body)};
  waiter.wake.cancel();
}

}  // namespace pghang::sampler
