#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "collectors/sampler/protocol.h"
#include "config/result.h"
#include "config/unique_fd.h"

namespace pghang::sampler {

/// A message that came back.
struct Answer {
  MessageType type = MessageType::failed;
  std::string body;
};

/// Requests and their answers over the socket to the keeper. Reads only while somebody waits, so an
/// idle channel does not keep a loop running. Answers that nobody waits for are dropped.
///
/// Shared: coroutines waiting in ask() and handlers of the loop may be destroyed after the client.
class ClientChannel : public std::enable_shared_from_this<ClientChannel> {
 public:
  ClientChannel(const boost::asio::any_io_executor& executor, UniqueFd socket);

  /// Sends and waits for the answer, at most deadline + kAnswerMargin. Errors: busy (a capture,
  /// trace, prewarm or survey is under way and this is another), timeout, disconnected.
  [[nodiscard]] static boost::asio::awaitable<Result<Answer>> ask(
      std::shared_ptr<ClientChannel> self,
      MessageType type,
      std::string body,
      std::chrono::milliseconds deadline
  );

  /// Everybody who waits gets `disconnected`, and so does who asks from now on.
  void close();

 private:
  struct Waiter;
  class Registration;

  void wait_readable();
  void read_all();
  void deliver(std::string_view packet);

  boost::asio::posix::stream_descriptor socket_;
  std::string buffer_;
  std::map<std::uint64_t, Waiter*> waiters_;
  std::uint64_t last_id_ = 0;
  bool waiting_readable_ = false;
  bool worker_in_use_ = false;
};

}  // namespace pghang::sampler
