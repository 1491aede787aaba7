#pragma once

#include <cstdint>
#include <string>

#include "collectors/evidence/syscall.h"
#include "collectors/process/parsers.h"

namespace pghang {

/// What fdinfo tells of a descriptor of that kind, in a few words: `write end` of a pipe, `SIGURG`
/// of a signalfd, `count 0`, `CLOCK_MONOTONIC, fires in 5 s`, ...; empty where it tells nothing.
[[nodiscard]] std::string descriptor_detail(FdKind kind, const FdInfo& info);

/// epoll_ctl(2)'s events, without EPOLLERR and EPOLLHUP, which are always waited for.
[[nodiscard]] std::string epoll_events_text(std::uint32_t events);

}  // namespace pghang
