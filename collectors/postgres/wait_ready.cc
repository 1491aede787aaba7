#include "collectors/postgres/wait_ready.h"

#include <poll.h>

#include <tuple>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace pghang {
namespace asio = boost::asio;

namespace {

// NOLINTNEXTLINE(misc-unused-using-decls): clang-tidy 14 does not see operators in coroutines
using boost::asio::experimental::awaitable_operators::operator||;
using Outcome = std::tuple<boost::system::error_code>;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

asio::awaitable<Outcome> wait_one(asio::posix::stream_descriptor& descriptor, Readiness readiness) {
  using Descriptor = asio::posix::stream_descriptor;
  if (readiness == Readiness::read) {
    co_return co_await descriptor.async_wait(Descriptor::wait_read, kAsTuple);
  }
  if (readiness == Readiness::write) {
    co_return co_await descriptor.async_wait(Descriptor::wait_write, kAsTuple);
  }
  const auto first = co_await (
      descriptor.async_wait(Descriptor::wait_read, kAsTuple) ||
      descriptor.async_wait(Descriptor::wait_write, kAsTuple)
  );
  co_return first.index() == 0 ? std::get<0>(first) : std::get<1>(first);
}

/// Asio's epoll_reactor can hand an event that it had already queued for a descriptor released
/// meanwhile to the next one registered, which gets the same descriptor_state. libpq blocks in
/// PQconnectPoll() when told of a connection that is not there yet, so its word is not enough.
bool is_ready(int descriptor, Readiness readiness) {
  pollfd query{};
  query.fd = descriptor;
  if (readiness != Readiness::write) query.events = POLLIN;
  if (readiness != Readiness::read) query.events |= POLLOUT;
  return poll(&query, 1, 0) != 0;
}

}  // namespace

asio::awaitable<Waited>
wait_ready(asio::posix::stream_descriptor& descriptor, Readiness readiness, Deadline deadline) {
  for (;;) {
    // A descriptor that is always ready must not win against the deadline for ever.
    if (std::chrono::steady_clock::now() >= deadline) co_return Waited::timeout;
    asio::steady_timer timer(descriptor.get_executor(), deadline);
    const auto first = co_await (wait_one(descriptor, readiness) || timer.async_wait(kAsTuple));
    const auto& [error] = first.index() == 0 ? std::get<0>(first) : std::get<1>(first);
    if (error == asio::error::operation_aborted) co_return Waited::aborted;
    if (first.index() == 1) co_return Waited::timeout;
    if (is_ready(descriptor.native_handle(), readiness)) co_return Waited::ready;
  }
}

}  // namespace pghang
