#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "collectors/process/argument_text.h"
#include "collectors/process/arguments.h"

namespace pghang::arguments {
namespace {

std::string octal_mode(std::uint64_t mode) {
  std::string digits;
  for (std::uint64_t rest = mode & 07777U; rest != 0 || digits.size() < 3; rest >>= 3U)
    digits.insert(digits.begin(), static_cast<char>('0' + (rest & 7U)));
  return '0' + digits;
}

std::string two_digits(unsigned value) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%02x", value & 0xffU);
  return text.data();
}

/// FUTEX_WAIT and its like without the two option bits.
std::uint64_t futex_command(const Call& call) {
  return call.arg(1) & static_cast<std::uint32_t>(FUTEX_CMD_MASK);
}

constexpr std::array<NamedValue, 6> kFallocateModes{{
    {FALLOC_FL_KEEP_SIZE, "FALLOC_FL_KEEP_SIZE"},
    {FALLOC_FL_PUNCH_HOLE, "FALLOC_FL_PUNCH_HOLE"},
    {FALLOC_FL_COLLAPSE_RANGE, "FALLOC_FL_COLLAPSE_RANGE"},
    {FALLOC_FL_ZERO_RANGE, "FALLOC_FL_ZERO_RANGE"},
    {FALLOC_FL_INSERT_RANGE, "FALLOC_FL_INSERT_RANGE"},
    {FALLOC_FL_UNSHARE_RANGE, "FALLOC_FL_UNSHARE_RANGE"},
}};

constexpr std::array<NamedValue, 3> kSyncRangeFlags{{
    {SYNC_FILE_RANGE_WAIT_BEFORE, "SYNC_FILE_RANGE_WAIT_BEFORE"},
    {SYNC_FILE_RANGE_WRITE, "SYNC_FILE_RANGE_WRITE"},
    {SYNC_FILE_RANGE_WAIT_AFTER, "SYNC_FILE_RANGE_WAIT_AFTER"},
}};

constexpr std::array<NamedValue, 8> kMessageFlags{{
    {MSG_OOB, "MSG_OOB"},
    {MSG_PEEK, "MSG_PEEK"},
    {MSG_TRUNC, "MSG_TRUNC"},
    {MSG_DONTWAIT, "MSG_DONTWAIT"},
    {MSG_WAITALL, "MSG_WAITALL"},
    {MSG_NOSIGNAL, "MSG_NOSIGNAL"},
    {MSG_MORE, "MSG_MORE"},
    {MSG_CMSG_CLOEXEC, "MSG_CMSG_CLOEXEC"},
}};

constexpr std::array<NamedValue, 2> kAcceptFlags{{
    {SOCK_CLOEXEC, "SOCK_CLOEXEC"},
    {SOCK_NONBLOCK, "SOCK_NONBLOCK"},
}};

constexpr std::array<NamedValue, 8> kWaitOptions{{
    {WNOHANG, "WNOHANG"},
    {WSTOPPED, "WSTOPPED"},
    {WEXITED, "WEXITED"},
    {WCONTINUED, "WCONTINUED"},
    {WNOWAIT, "WNOWAIT"},
    {__WCLONE, "__WCLONE"},
    {__WALL, "__WALL"},
    {__WNOTHREAD, "__WNOTHREAD"},
}};

constexpr std::array<NamedValue, 4> kIdTypes{{
    {P_ALL, "P_ALL"},
    {P_PID, "P_PID"},
    {P_PGID, "P_PGID"},
    {P_PIDFD, "P_PIDFD"},
}};

constexpr std::array<NamedValue, 1> kTimerFlags{{{TIMER_ABSTIME, "TIMER_ABSTIME"}}};

constexpr std::array<NamedValue, 4> kFlockOperations{{
    {LOCK_SH, "LOCK_SH"},
    {LOCK_EX, "LOCK_EX"},
    {LOCK_UN, "LOCK_UN"},
    {LOCK_NB, "LOCK_NB"},
}};

constexpr std::array<NamedValue, 12> kFcntlCommands{{
    {F_DUPFD, "F_DUPFD"},
    {F_DUPFD_CLOEXEC, "F_DUPFD_CLOEXEC"},
    {F_GETFD, "F_GETFD"},
    {F_SETFD, "F_SETFD"},
    {F_GETFL, "F_GETFL"},
    {F_SETFL, "F_SETFL"},
    {F_GETLK, "F_GETLK"},
    {F_SETLK, "F_SETLK"},
    {F_SETLKW, "F_SETLKW"},
    {F_OFD_GETLK, "F_OFD_GETLK"},
    {F_OFD_SETLK, "F_OFD_SETLK"},
    {F_OFD_SETLKW, "F_OFD_SETLKW"},
}};

constexpr std::array<NamedValue, 14> kFutexCommands{{
    {FUTEX_WAIT, "FUTEX_WAIT"},
    {FUTEX_WAKE, "FUTEX_WAKE"},
    {FUTEX_FD, "FUTEX_FD"},
    {FUTEX_REQUEUE, "FUTEX_REQUEUE"},
    {FUTEX_CMP_REQUEUE, "FUTEX_CMP_REQUEUE"},
    {FUTEX_WAKE_OP, "FUTEX_WAKE_OP"},
    {FUTEX_LOCK_PI, "FUTEX_LOCK_PI"},
    {FUTEX_UNLOCK_PI, "FUTEX_UNLOCK_PI"},
    {FUTEX_TRYLOCK_PI, "FUTEX_TRYLOCK_PI"},
    {FUTEX_WAIT_BITSET, "FUTEX_WAIT_BITSET"},
    {FUTEX_WAKE_BITSET, "FUTEX_WAKE_BITSET"},
    {FUTEX_WAIT_REQUEUE_PI, "FUTEX_WAIT_REQUEUE_PI"},
    {FUTEX_CMP_REQUEUE_PI, "FUTEX_CMP_REQUEUE_PI"},
    {FUTEX_LOCK_PI2, "FUTEX_LOCK_PI2"},
}};

/// Those that wait for a disk, and what one meets on a terminal or a socket. `takes_argument` as
/// strace shows it.
struct IoctlRequest {
  std::uint64_t value = 0;
  std::string_view name;
  bool takes_argument = true;
};

constexpr std::array<IoctlRequest, 14> kIoctlRequests{{
    {FIFREEZE, "FIFREEZE", false},
    {FITHAW, "FITHAW", false},
    {FITRIM, "FITRIM"},
    {FICLONE, "FICLONE"},
    {FICLONERANGE, "FICLONERANGE"},
    {FIDEDUPERANGE, "FIDEDUPERANGE"},
    {BLKFLSBUF, "BLKFLSBUF", false},
    {BLKRRPART, "BLKRRPART", false},
    {BLKDISCARD, "BLKDISCARD"},
    {BLKZEROOUT, "BLKZEROOUT"},
    {FIONREAD, "FIONREAD"},
    {FIONBIO, "FIONBIO"},
    {TIOCGWINSZ, "TIOCGWINSZ"},
    {TCGETS, "TCGETS"},
}};

constexpr std::array<NamedValue, 4> kIoctlDirections{{
    {_IOC_NONE, "_IOC_NONE"},
    {_IOC_READ, "_IOC_READ"},
    {_IOC_WRITE, "_IOC_WRITE"},
    {_IOC_READ | _IOC_WRITE, "_IOC_READ|_IOC_WRITE"},
}};

const IoctlRequest* find_ioctl(std::uint64_t value) {
  const auto* const found = std::ranges::find(kIoctlRequests, value, &IoctlRequest::value);
  return found == kIoctlRequests.end() ? nullptr : found;
}

constexpr std::array<NamedValue, 5> kIoUringFlags{{
    {IORING_ENTER_GETEVENTS, "IORING_ENTER_GETEVENTS"},
    {IORING_ENTER_SQ_WAKEUP, "IORING_ENTER_SQ_WAKEUP"},
    {IORING_ENTER_SQ_WAIT, "IORING_ENTER_SQ_WAIT"},
    {IORING_ENTER_EXT_ARG, "IORING_ENTER_EXT_ARG"},
    {IORING_ENTER_REGISTERED_RING, "IORING_ENTER_REGISTERED_RING"},
}};

}  // namespace

Text absent(const Call& /*call*/, std::size_t /*index*/) {
  return std::nullopt;
}

Text descriptor(const Call& call, std::size_t index) {
  return integer(call, index);
}

Text directory(const Call& call, std::size_t index) {
  return static_cast<int>(call.arg(index)) == AT_FDCWD ? "AT_FDCWD" : integer(call, index);
}

Text address(const Call& call, std::size_t index) {
  return address_text(call.arg(index));
}

Text hex(const Call& call, std::size_t index) {
  return hex_text(call.arg(index));
}

Text integer(const Call& call, std::size_t index) {
  return std::to_string(static_cast<std::int32_t>(call.arg(index)));
}

Text counter(const Call& call, std::size_t index) {
  return std::to_string(static_cast<std::uint32_t>(call.arg(index)));
}

Text offset(const Call& call, std::size_t index) {
  return std::to_string(static_cast<std::int64_t>(call.arg(index)));
}

Text length(const Call& call, std::size_t index) {
  return std::to_string(call.arg(index));
}

Text open_flags(const Call& call, std::size_t index) {
  return open_flags_text(static_cast<std::uint32_t>(call.arg(index)));
}

Text open_mode(const Call& call, std::size_t index) {
  const auto flags = static_cast<unsigned>(call.arg(index - 1));
  const bool creates = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  if (!creates) return std::nullopt;
  return octal_mode(call.arg(index));
}

Text mode(const Call& call, std::size_t index) {
  return octal_mode(call.arg(index));
}

Text fallocate_mode(const Call& call, std::size_t index) {
  return flags_text(static_cast<std::uint32_t>(call.arg(index)), kFallocateModes);
}

Text sync_range_flags(const Call& call, std::size_t index) {
  return flags_text(static_cast<std::uint32_t>(call.arg(index)), kSyncRangeFlags);
}

Text message_flags(const Call& call, std::size_t index) {
  return flags_text(static_cast<std::uint32_t>(call.arg(index)), kMessageFlags);
}

Text accept_flags(const Call& call, std::size_t index) {
  return flags_text(static_cast<std::uint32_t>(call.arg(index)), kAcceptFlags);
}

Text wait_options(const Call& call, std::size_t index) {
  return flags_text(static_cast<std::uint32_t>(call.arg(index)), kWaitOptions);
}

Text wait_id_type(const Call& call, std::size_t index) {
  return constant_text(static_cast<std::uint32_t>(call.arg(index)), kIdTypes);
}

Text clock(const Call& call, std::size_t index) {
  return clock_text(static_cast<std::uint32_t>(call.arg(index)));
}

Text timer_flags(const Call& call, std::size_t index) {
  return flags_text(static_cast<std::uint32_t>(call.arg(index)), kTimerFlags);
}

Text flock_operation(const Call& call, std::size_t index) {
  return flags_text(static_cast<std::uint32_t>(call.arg(index)), kFlockOperations);
}

Text fcntl_command(const Call& call, std::size_t index) {
  return constant_text(static_cast<std::uint32_t>(call.arg(index)), kFcntlCommands);
}

Text futex_operation(const Call& call, std::size_t index) {
  const auto operation = static_cast<std::uint32_t>(call.arg(index));
  std::string text = constant_text(futex_command(call), kFutexCommands);
  if ((operation & FUTEX_PRIVATE_FLAG) != 0) text += "_PRIVATE";
  if ((operation & FUTEX_CLOCK_REALTIME) != 0) text += "|FUTEX_CLOCK_REALTIME";
  return text;
}

Text futex_value(const Call& call, std::size_t index) {
  switch (futex_command(call)) {
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
    case FUTEX_UNLOCK_PI:
    case FUTEX_TRYLOCK_PI: return std::nullopt;
    default: return counter(call, index);
  }
}

Text futex_bitset(const Call& call, std::size_t index) {
  if (futex_command(call) != FUTEX_WAIT_BITSET) return std::nullopt;
  const auto bits = static_cast<std::uint32_t>(call.arg(index));
  if (bits == FUTEX_BITSET_MATCH_ANY) return "FUTEX_BITSET_MATCH_ANY";
  return hex_text(bits);
}

Text ioctl_request(const Call& call, std::size_t index) {
  const auto request = static_cast<std::uint32_t>(call.arg(index));
  if (const IoctlRequest* const known = find_ioctl(request)) return std::string(known->name);
  return "_IOC(" + constant_text(_IOC_DIR(request), kIoctlDirections) + ", 0x" +
         two_digits(_IOC_TYPE(request)) + ", 0x" + two_digits(_IOC_NR(request)) + ", " +
         hex_text(_IOC_SIZE(request)) + ')';
}

Text ioctl_argument(const Call& call, std::size_t index) {
  const IoctlRequest* const known = find_ioctl(static_cast<std::uint32_t>(call.arg(index - 1)));
  if (known != nullptr && !known->takes_argument) return std::nullopt;
  return hex_text(call.arg(index));
}

Text io_uring_flags(const Call& call, std::size_t index) {
  return flags_text(static_cast<std::uint32_t>(call.arg(index)), kIoUringFlags);
}

Text resumed_call(const Call& /*call*/, std::size_t /*index*/) {
  return "<... resuming interrupted system call ...>";
}

}  // namespace pghang::arguments
