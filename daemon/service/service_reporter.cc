#include "daemon/service/service_reporter.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/service/status_line.h"

namespace pghang {
namespace {

using std::chrono::microseconds;

/// The status is this old at most.
constexpr microseconds kStatusInterval{std::chrono::seconds{1}};
/// sd_watchdog_enabled(3) recommends half; a third survives one delay.
constexpr int kAlivePerWatchdog = 3;

}  // namespace

ServiceReporter::ServiceReporter(ServiceManager manager, const View& view, std::string degraded)
    : manager_(std::move(manager)),
      view_(view),
      degraded_(std::move(degraded)) {}

void ServiceReporter::started() {
  tell_status();
  manager_.ready();
}

void ServiceReporter::reloaded() {
  tell_status();
  manager_.ready();
}

void ServiceReporter::tell_status() {
  std::string line = status_line(view_, degraded_);
  if (line == told_) return;
  manager_.status(line);
  told_ = std::move(line);
}

boost::asio::awaitable<void> ServiceReporter::run(boost::asio::any_io_executor executor) {
  const auto watchdog = manager_.watchdog();
  const microseconds interval =
      watchdog ? std::min(kStatusInterval, *watchdog / kAlivePerWatchdog) : kStatusInterval;
  boost::asio::steady_timer timer(executor);
  for (;;) {
    manager_.alive();
    tell_status();
    timer.expires_after(interval);
    co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
}

}  // namespace pghang
