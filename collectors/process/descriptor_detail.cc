#include "collectors/process/descriptor_detail.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include <array>
#include <cstdio>

#include "collectors/process/argument_text.h"

namespace pghang {
namespace {

constexpr std::array<NamedValue, 13> kEpollEvents{{
    {EPOLLIN, "EPOLLIN"},
    {EPOLLPRI, "EPOLLPRI"},
    {EPOLLOUT, "EPOLLOUT"},
    {EPOLLRDNORM, "EPOLLRDNORM"},
    {EPOLLRDBAND, "EPOLLRDBAND"},
    {EPOLLWRNORM, "EPOLLWRNORM"},
    {EPOLLWRBAND, "EPOLLWRBAND"},
    {EPOLLMSG, "EPOLLMSG"},
    {EPOLLRDHUP, "EPOLLRDHUP"},
    {EPOLLEXCLUSIVE, "EPOLLEXCLUSIVE"},
    {EPOLLWAKEUP, "EPOLLWAKEUP"},
    {EPOLLONESHOT, "EPOLLONESHOT"},
    {1U << 31U, "EPOLLET"},
}};

std::string counted(std::uint64_t count, const char* one, const char* many) {
  return std::to_string(count) + ' ' + (count == 1 ? one : many);
}

std::string seconds_text(std::uint64_t nanos) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f s", static_cast<double>(nanos) / 1e9);
  return text.data();
}

std::string end_of_pipe(const FdInfo& info) {
  switch (info.flags & static_cast<unsigned>(O_ACCMODE)) {
    case O_RDONLY: return "read end";
    case O_WRONLY: return "write end";
    default: return "both ends";
  }
}

std::string signals(std::uint64_t mask) {
  std::string text;
  for (int signal = 1; signal <= kSignals; ++signal) {
    if (!has_signal(mask, signal)) continue;
    text += (text.empty() ? "SIG" : " SIG") + signal_text(signal);
  }
  return text.empty() ? "no signal" : text;
}

std::string timer(const TimerInfo& timer) {
  std::string text = clock_text(static_cast<std::uint32_t>(timer.clock));
  text += timer.remaining_nanos == 0 ? ", not armed"
                                     : ", fires in " + seconds_text(timer.remaining_nanos);
  if (timer.interval_nanos != 0) text += ", every " + seconds_text(timer.interval_nanos);
  if (timer.ticks != 0) text += ", " + counted(timer.ticks, "expiry", "expiries") + " not read";
  return text;
}

std::string ring(const RingInfo& ring) {
  const std::uint32_t submitted = ring.submission_tail - ring.submission_head;
  const std::uint32_t completed = ring.completion_tail - ring.completion_head;
  return counted(submitted, "submission", "submissions") + " not taken by the kernel, " +
         counted(completed, "completion", "completions") + " not read";
}

}  // namespace

std::string descriptor_detail(FdKind kind, const FdInfo& info) {
  switch (kind) {
    case FdKind::pipe:
    case FdKind::fifo: return end_of_pipe(info);
    case FdKind::signalfd: return info.signal_mask ? signals(*info.signal_mask) : "";
    case FdKind::eventfd:
      return info.event_count ? "count " + std::to_string(*info.event_count) : "";
    case FdKind::timerfd: return info.timer ? timer(*info.timer) : "";
    case FdKind::io_uring: return info.ring ? ring(*info.ring) : "";
    case FdKind::inotify: return counted(info.watches, "watch", "watches");
    case FdKind::pidfd:
      if (!info.pid) return "";
      return *info.pid > 0 ? "of pid " + std::to_string(*info.pid) : "its process has ended";
    default: return "";
  }
}

std::string epoll_events_text(std::uint32_t events) {
  return flags_text(events & ~static_cast<std::uint32_t>(EPOLLERR | EPOLLHUP), kEpollEvents);
}

}  // namespace pghang
