#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "collectors/process/argument_text.h"
#include "collectors/process/arguments.h"
#include "collectors/process/target_value.h"

namespace pghang {
namespace {

constexpr std::uint64_t kBitsPerWord = 64;
/// Lists are cut here, as strace's -v off does.
constexpr std::size_t kMaxListed = 32;

constexpr std::array<NamedValue, 10> kPollEvents{{
    {POLLIN, "POLLIN"},
    {POLLPRI, "POLLPRI"},
    {POLLOUT, "POLLOUT"},
    {POLLERR, "POLLERR"},
    {POLLHUP, "POLLHUP"},
    {POLLNVAL, "POLLNVAL"},
    {POLLRDNORM, "POLLRDNORM"},
    {POLLRDBAND, "POLLRDBAND"},
    {POLLWRNORM, "POLLWRNORM"},
    {POLLRDHUP, "POLLRDHUP"},
}};

/// How many elements of a list of `count` are shown.
std::size_t shown(std::uint64_t count) {
  return static_cast<std::size_t>(std::min<std::uint64_t>(count, kMaxListed));
}

}  // namespace

std::string poll_events_text(short events) {
  return flags_text(static_cast<std::uint16_t>(events), kPollEvents);
}

std::optional<std::vector<pollfd>> read_poll_list(const Call& call) {
  auto entries = read_values<pollfd>(call.memory, call.arg(0), shown(call.arg(1)));
  if (entries) std::erase_if(*entries, [](const pollfd& entry) { return entry.fd < 0; });
  return entries;
}

std::optional<std::vector<int>> read_descriptor_set(const Call& call, std::size_t index) {
  const std::uint64_t bound = std::min<std::uint64_t>(call.arg(0), FD_SETSIZE);
  const std::size_t words = (bound + kBitsPerWord - 1) / kBitsPerWord;
  const auto set = read_values<std::uint64_t>(call.memory, call.arg(index), words);
  if (!set) return std::nullopt;
  std::vector<int> numbers;
  for (std::uint64_t fd = 0; fd < bound; ++fd) {
    const std::uint64_t word = (*set)[fd / kBitsPerWord];
    if ((word >> fd % kBitsPerWord & 1U) != 0) numbers.push_back(static_cast<int>(fd));
  }
  return numbers;
}

namespace arguments {
namespace {

constexpr std::array<NamedValue, 2> kSemaphoreFlags{{
    {SEM_UNDO, "SEM_UNDO"},
    {IPC_NOWAIT, "IPC_NOWAIT"},
}};

constexpr std::array<NamedValue, 3> kLockTypes{{
    {F_RDLCK, "F_RDLCK"},
    {F_WRLCK, "F_WRLCK"},
    {F_UNLCK, "F_UNLCK"},
}};

constexpr std::array<NamedValue, 3> kWhence{{
    {SEEK_SET, "SEEK_SET"},
    {SEEK_CUR, "SEEK_CUR"},
    {SEEK_END, "SEEK_END"},
}};

std::string element_text(const pollfd& entry) {
  if (entry.fd < 0) return "{fd=" + std::to_string(entry.fd) + '}';
  return "{fd=" + std::to_string(entry.fd) + ", events=" + poll_events_text(entry.events) + '}';
}

std::string element_text(const sembuf& operation) {
  return "{sem_num=" + std::to_string(operation.sem_num) +
         ", sem_op=" + std::to_string(operation.sem_op) +
         ", sem_flg=" + flags_text(static_cast<std::uint16_t>(operation.sem_flg), kSemaphoreFlags) +
         '}';
}

std::string element_text(const iovec& buffer) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the target's address, never ours
  const auto base = reinterpret_cast<std::uintptr_t>(buffer.iov_base);
  return "{iov_base=" + address_text(base) + ", iov_len=" + std::to_string(buffer.iov_len) + '}';
}

template <typename T>
std::string list_text(const TargetMemory& memory, std::uint64_t address, std::uint64_t count) {
  const std::size_t listed = shown(count);
  const auto elements = read_values<T>(memory, address, listed);
  if (!elements) return address_text(address);
  std::string text = "[";
  for (const T& element : *elements) {
    if (text.size() > 1) text += ", ";
    text += element_text(element);
  }
  if (count > listed) text += ", ...";
  return text + ']';
}

/// An array whose length is the next argument.
template <typename T>
std::string list_argument(const Call& call, std::size_t index) {
  return list_text<T>(call.memory, call.arg(index), call.arg(index + 1));
}

bool waits_with_timeout(std::uint64_t futex_operation) {
  switch (futex_operation & static_cast<std::uint32_t>(FUTEX_CMD_MASK)) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
    case FUTEX_WAIT_REQUEUE_PI:
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2: return true;
    default: return false;
  }
}

}  // namespace

Text path(const Call& call, std::size_t index) {
  const std::uint64_t address = call.arg(index);
  const Result<std::string> text = read_string(call.memory, address, kMaxPath);
  return text ? quoted(*text) : address_text(address);
}

Text timespec(const Call& call, std::size_t index) {
  const std::uint64_t address = call.arg(index);
  const auto value = read_value<::timespec>(call.memory, address);
  if (!value) return address_text(address);
  return "{tv_sec=" + std::to_string(value->tv_sec) +
         ", tv_nsec=" + std::to_string(value->tv_nsec) + '}';
}

Text timeval(const Call& call, std::size_t index) {
  const std::uint64_t address = call.arg(index);
  const auto value = read_value<::timeval>(call.memory, address);
  if (!value) return address_text(address);
  return "{tv_sec=" + std::to_string(value->tv_sec) +
         ", tv_usec=" + std::to_string(value->tv_usec) + '}';
}

Text futex_timeout(const Call& call, std::size_t index) {
  if (!waits_with_timeout(call.arg(1))) return std::nullopt;
  return timespec(call, index);
}

Text poll_list(const Call& call, std::size_t index) {
  return list_argument<pollfd>(call, index);
}

Text semaphore_list(const Call& call, std::size_t index) {
  return list_argument<sembuf>(call, index);
}

Text descriptor_set(const Call& call, std::size_t index) {
  const std::uint64_t address = call.arg(index);
  const auto numbers = read_descriptor_set(call, index);
  if (!numbers) return address_text(address);
  std::string text = "[";
  for (const int number : *numbers) {
    if (text.size() > 1) text += ' ';
    text += std::to_string(number);
  }
  return text + ']';
}

Text fcntl_argument(const Call& call, std::size_t index) {
  switch (static_cast<int>(call.arg(index - 1))) {
    case F_GETFD:
    case F_GETFL: return std::nullopt;
    case F_SETFL: return open_flags_text(static_cast<std::uint32_t>(call.arg(index)));
    case F_DUPFD:
    case F_DUPFD_CLOEXEC: return integer(call, index);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW: break;
    default: return hex_text(call.arg(index));
  }
  const auto lock = read_value<struct flock>(call.memory, call.arg(index));
  if (!lock) return address_text(call.arg(index));
  return "{l_type=" + constant_text(static_cast<std::uint16_t>(lock->l_type), kLockTypes) +
         ", l_whence=" + constant_text(static_cast<std::uint16_t>(lock->l_whence), kWhence) +
         ", l_start=" + std::to_string(lock->l_start) + ", l_len=" + std::to_string(lock->l_len) +
         '}';
}

Text signal_set(const Call& call, std::size_t index) {
  const std::uint64_t address = call.arg(index);
  const auto set = read_value<std::uint64_t>(call.memory, address);
  return set ? signal_set_text(*set) : address_text(address);
}

Text sized_signal_set(const Call& call, std::size_t index) {
  struct SizedSet {
    std::uint64_t address;
    std::uint64_t size;
  };

  const auto sized = read_value<SizedSet>(call.memory, call.arg(index));
  if (!sized) return address_text(call.arg(index));
  const auto set = read_value<std::uint64_t>(call.memory, sized->address);
  return "{sigmask=" + (set ? signal_set_text(*set) : address_text(sized->address)) +
         ", sigsetsize=" + std::to_string(sized->size) + '}';
}

Text buffer_list(const Call& call, std::size_t index) {
  return list_argument<iovec>(call, index);
}

Text message(const Call& call, std::size_t index) {
  const auto header = read_value<msghdr>(call.memory, call.arg(index));
  if (!header) return address_text(call.arg(index));
  // NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast): the target's addresses, never ours
  const auto name = reinterpret_cast<std::uintptr_t>(header->msg_name);
  const auto buffers = reinterpret_cast<std::uintptr_t>(header->msg_iov);
  // NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)
  return "{msg_name=" + address_text(name) +
         ", msg_namelen=" + std::to_string(header->msg_namelen) +
         ", msg_iov=" + list_text<iovec>(call.memory, buffers, header->msg_iovlen) +
         ", msg_iovlen=" + std::to_string(header->msg_iovlen) +
         ", msg_controllen=" + std::to_string(header->msg_controllen) +
         ", msg_flags=" + hex_text(static_cast<std::uint32_t>(header->msg_flags)) + '}';
}

}  // namespace arguments
}  // namespace pghang
