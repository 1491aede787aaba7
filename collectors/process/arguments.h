#pragma once

#include <poll.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "collectors/process/parsers.h"
#include "collectors/process/target_memory.h"

/// Renderers: each writes one argument of a blocked call as strace does. Nothing means that the
/// call has no such argument (the mode of an open() that creates no file).
namespace pghang {

struct Call {
  const SyscallLine& line;
  const TargetMemory& memory;

  [[nodiscard]] std::uint64_t arg(std::size_t index) const { return line.args.at(index); }
};

namespace arguments {

using Text = std::optional<std::string>;

// Numbers, flags and addresses: told from the register alone.
[[nodiscard]] Text absent(const Call& call, std::size_t index);
[[nodiscard]] Text descriptor(const Call& call, std::size_t index);
[[nodiscard]] Text directory(const Call& call, std::size_t index);  ///< AT_FDCWD or a descriptor
[[nodiscard]] Text address(const Call& call, std::size_t index);
[[nodiscard]] Text hex(const Call& call, std::size_t index);
[[nodiscard]] Text integer(const Call& call, std::size_t index);  ///< int
[[nodiscard]] Text counter(const Call& call, std::size_t index);  ///< unsigned int
[[nodiscard]] Text offset(const Call& call, std::size_t index);   ///< off_t
[[nodiscard]] Text length(const Call& call, std::size_t index);   ///< size_t
[[nodiscard]] Text open_flags(const Call& call, std::size_t index);
[[nodiscard]] Text open_mode(const Call& call, std::size_t index);  ///< after open_flags
[[nodiscard]] Text mode(const Call& call, std::size_t index);
[[nodiscard]] Text fallocate_mode(const Call& call, std::size_t index);
[[nodiscard]] Text sync_range_flags(const Call& call, std::size_t index);
[[nodiscard]] Text message_flags(const Call& call, std::size_t index);
[[nodiscard]] Text accept_flags(const Call& call, std::size_t index);
[[nodiscard]] Text wait_options(const Call& call, std::size_t index);
[[nodiscard]] Text wait_id_type(const Call& call, std::size_t index);
[[nodiscard]] Text clock(const Call& call, std::size_t index);
[[nodiscard]] Text timer_flags(const Call& call, std::size_t index);
[[nodiscard]] Text flock_operation(const Call& call, std::size_t index);
[[nodiscard]] Text fcntl_command(const Call& call, std::size_t index);
[[nodiscard]] Text futex_operation(const Call& call, std::size_t index);
[[nodiscard]] Text futex_value(const Call& call, std::size_t index);
[[nodiscard]] Text futex_bitset(const Call& call, std::size_t index);
[[nodiscard]] Text ioctl_request(const Call& call, std::size_t index);
[[nodiscard]] Text ioctl_argument(const Call& call, std::size_t index);  ///< after ioctl_request
[[nodiscard]] Text io_uring_flags(const Call& call, std::size_t index);
[[nodiscard]] Text resumed_call(const Call& call, std::size_t index);  ///< of restart_syscall()

// Read from the target; an address where that fails.
[[nodiscard]] Text path(const Call& call, std::size_t index);
[[nodiscard]] Text timespec(const Call& call, std::size_t index);
[[nodiscard]] Text timeval(const Call& call, std::size_t index);
[[nodiscard]] Text futex_timeout(const Call& call, std::size_t index);
[[nodiscard]] Text poll_list(const Call& call, std::size_t index);       ///< its length comes next
[[nodiscard]] Text descriptor_set(const Call& call, std::size_t index);  ///< argument 0 bounds it
[[nodiscard]] Text semaphore_list(const Call& call, std::size_t index);  ///< its length comes next
[[nodiscard]] Text socket_address(const Call& call, std::size_t index);  ///< its length comes next
[[nodiscard]] Text fcntl_argument(const Call& call, std::size_t index);  ///< after fcntl_command
[[nodiscard]] Text signal_set(const Call& call, std::size_t index);
[[nodiscard]] Text sized_signal_set(const Call& call, std::size_t index);  ///< of pselect6()
// Buffers as address and length.
[[nodiscard]] Text buffer_list(const Call& call, std::size_t index);  ///< its length comes next
[[nodiscard]] Text message(const Call& call, std::size_t index);

}  // namespace arguments

/// The entries of poll's list that name a descriptor, argument 0 of `count` in argument 1; no more
/// than are shown. Nothing when it cannot be read.
[[nodiscard]] std::optional<std::vector<pollfd>> read_poll_list(const Call& call);

/// `POLLIN|POLLRDHUP`.
[[nodiscard]] std::string poll_events_text(short events);

/// The descriptors of a select(2) set; argument 0 is its bound. Nothing when it cannot be read.
[[nodiscard]] std::optional<std::vector<int>>
read_descriptor_set(const Call& call, std::size_t index);

/// Paths are read up to the kernel's own limit, PATH_MAX.
inline constexpr std::size_t kMaxPath = 4096;

}  // namespace pghang
