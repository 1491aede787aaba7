#include "collectors/process/syscall_shapes.h"

#include <algorithm>
#include <iterator>

namespace pghang {
namespace arguments {
namespace {

/// The calls a server process can be found in; looked up a few times per capture.
constexpr CallShape kShapes[] = {
    // files by name
    {"open", {path, open_flags, open_mode}},
    {"openat", {directory, path, open_flags, open_mode}},
    {"openat2", {directory, path, address, length}},
    {"creat", {path, mode}},
    {"stat", {path, address}},
    {"lstat", {path, address}},
    {"newfstatat", {directory, path, address, hex}},
    {"statx", {directory, path, hex, hex, address}},
    {"statfs", {path, address}},
    {"access", {path, hex}},
    {"faccessat", {directory, path, hex}},
    {"faccessat2", {directory, path, hex, hex}},
    {"readlink", {path, address, length}},
    {"readlinkat", {directory, path, address, length}},
    {"unlink", {path}},
    {"unlinkat", {directory, path, hex}},
    {"rename", {path, path}},
    {"renameat", {directory, path, directory, path}},
    {"renameat2", {directory, path, directory, path, hex}},
    {"link", {path, path}},
    {"mkdir", {path, mode}},
    {"mkdirat", {directory, path, mode}},
    {"rmdir", {path}},
    {"chmod", {path, mode}},
    {"truncate", {path, offset}},
    {"chdir", {path}},
    {"execve", {path, address, address}},
    // files by descriptor
    {"read", {descriptor, address, length}},
    {"write", {descriptor, address, length}},
    {"pread64", {descriptor, address, length, offset}},
    {"pwrite64", {descriptor, address, length, offset}},
    {"readv", {descriptor, buffer_list, integer}},
    {"writev", {descriptor, buffer_list, integer}},
    {"preadv", {descriptor, buffer_list, integer, offset}},
    {"pwritev", {descriptor, buffer_list, integer, offset}},
    {"preadv2", {descriptor, buffer_list, integer, offset, absent, hex}},
    {"pwritev2", {descriptor, buffer_list, integer, offset, absent, hex}},
    {"fsync", {descriptor}},
    {"fdatasync", {descriptor}},
    {"syncfs", {descriptor}},
    {"sync", {}},
    {"sync_file_range", {descriptor, offset, offset, sync_range_flags}},
    {"fallocate", {descriptor, fallocate_mode, offset, offset}},
    {"fadvise64", {descriptor, offset, length, integer}},
    {"ftruncate", {descriptor, offset}},
    {"fstat", {descriptor, address}},
    {"fstatfs", {descriptor, address}},
    {"getdents64", {descriptor, address, length}},
    {"lseek", {descriptor, offset, integer}},
    {"close", {descriptor}},
    {"flock", {descriptor, flock_operation}},
    {"fcntl", {descriptor, fcntl_command, fcntl_argument}},
    {"ioctl", {descriptor, ioctl_request, ioctl_argument}},
    {"sendfile", {descriptor, descriptor, address, length}},
    {"splice", {descriptor, address, descriptor, address, length, hex}},
    {"copy_file_range", {descriptor, address, descriptor, address, length, hex}},
    {"io_uring_enter", {descriptor, counter, counter, io_uring_flags, address, length}},
    // waiting for descriptors
    {"epoll_wait", {descriptor, address, integer, integer}},
    {"epoll_pwait", {descriptor, address, integer, integer, signal_set, length}},
    {"epoll_pwait2", {descriptor, address, integer, timespec, signal_set, length}},
    {"poll", {poll_list, counter, integer}},
    {"ppoll", {poll_list, counter, timespec, signal_set, length}},
    {"select", {integer, descriptor_set, descriptor_set, descriptor_set, timeval}},
    {"pselect6",
     {integer, descriptor_set, descriptor_set, descriptor_set, timespec, sized_signal_set}},
    // sockets
    {"connect", {descriptor, socket_address, integer}},
    {"accept", {descriptor, address, address}},
    {"accept4", {descriptor, address, address, accept_flags}},
    {"recvfrom", {descriptor, address, length, message_flags, address, address}},
    {"sendto", {descriptor, address, length, message_flags, socket_address, counter}},
    {"recvmsg", {descriptor, message, message_flags}},
    {"sendmsg", {descriptor, message, message_flags}},
    {"shutdown", {descriptor, integer}},
    // locks, processes and time
    {"futex", {address, futex_operation, futex_value, futex_timeout, absent, futex_bitset}},
    {"semop", {integer, semaphore_list, length}},
    {"semtimedop", {integer, semaphore_list, length, timespec}},
    {"wait4", {integer, address, wait_options, address}},
    {"waitid", {wait_id_type, integer, address, wait_options, address}},
    {"nanosleep", {timespec, address}},
    {"clock_nanosleep", {clock, timer_flags, timespec, address}},
    {"restart_syscall", {resumed_call}},
    {"pause", {}},
    {"rt_sigsuspend", {signal_set, length}},
    {"rt_sigtimedwait", {signal_set, address, timespec, length}},
    {"kill", {integer, integer}},
    {"sched_yield", {}},
    {"exit", {integer}},
    {"exit_group", {integer}},
    // memory
    {"mmap", {address, length, hex, hex, integer, hex}},
    {"munmap", {address, length}},
    {"mprotect", {address, length, hex}},
    {"madvise", {address, length, integer}},
    {"msync", {address, length, hex}},
    {"brk", {address}},
};

}  // namespace
}  // namespace arguments

const CallShape* find_shape(std::string_view name) {
  const auto* const end = std::end(arguments::kShapes);
  const auto* const found =
      std::find_if(std::begin(arguments::kShapes), end, [name](const CallShape& shape) {
        return shape.name == name;
      });
  return found == end ? nullptr : found;
}

}  // namespace pghang
