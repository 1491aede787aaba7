#include "collectors/sampler/syscall_filter.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <system_error>
#include <type_traits>

#include "config/unique_fd.h"

namespace pghang::sampler {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PGHANG_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PGHANG_SANITIZED 1
#endif
#endif
#ifdef PGHANG_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

struct Release {
  void operator()(void* context) const { ::seccomp_release(context); }
};

using Context = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, Release>;

constexpr std::uint32_t kRefuse = SCMP_ACT_ERRNO(EPERM);

Error system_error(const char* call, int number) {
  return {Errc::io, std::string(call) + ": " + std::generic_category().message(number)};
}

/// Adds rules and remembers the first failure.
class Builder {
 public:
  explicit Builder(scmp_filter_ctx context) : context_(context) {}

  void
  add(std::uint32_t action, const char* name, std::initializer_list<scmp_arg_cmp> arguments = {}) {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) return;  // of a newer kernel than libseccomp knows
    const int error = ::seccomp_rule_add_array(
        context_,
        action,
        number,
        static_cast<unsigned>(arguments.size()),
        arguments.begin()
    );
    if (error_ == 0 && error != 0 && error != -EEXIST) error_ = error;
  }

  void refuse(const char* name, std::initializer_list<scmp_arg_cmp> arguments = {}) {
    add(kRefuse, name, arguments);
  }

  /// Refuses every value of the argument but those. A filter joins rules by OR, so the values are
  /// refused by the gaps between them.
  void refuse_all_but(const char* name, unsigned argument, std::vector<int> values) {
    std::ranges::sort(values);
    std::int64_t next = 0;
    for (const int value : values) {
      refuse_between(name, argument, next, std::int64_t{value} - 1);
      next = std::int64_t{value} + 1;
    }
    refuse(name, {{argument, SCMP_CMP_GE, static_cast<scmp_datum_t>(next), 0}});
  }

  [[nodiscard]] int error() const { return error_; }

 private:
  /// One argument can be compared once in a rule: so value by value, and whole gaps by their mask.
  void refuse_between(const char* name, unsigned argument, std::int64_t first, std::int64_t last) {
    while (first <= last) {
      std::int64_t size = 1;  // the largest aligned block of 2^n that starts here and fits
      while (first % (size * 2) == 0 && first + size * 2 - 1 <= last)
        size *= 2;
      const auto mask = static_cast<scmp_datum_t>(~(size - 1));
      refuse(name, {{argument, SCMP_CMP_MASKED_EQ, mask, static_cast<scmp_datum_t>(first)}});
      first += size;
    }
  }

  scmp_filter_ctx context_;
  int error_ = 0;
};

void refuse_new_processes(Builder& builder) {
  builder.refuse("fork");
  builder.refuse("vfork");
  builder.refuse("clone", {{0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0}});
  // Its flags lie in memory, where no filter can look; without it glibc starts threads by clone().
  builder.add(SCMP_ACT_ERRNO(ENOSYS), "clone3");
}

void refuse_writing(Builder& builder) {
  for (const int each : {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC}) {
    const auto flag = static_cast<scmp_datum_t>(each);
    builder.refuse("open", {{1, SCMP_CMP_MASKED_EQ, flag, flag}});
    builder.refuse("openat", {{2, SCMP_CMP_MASKED_EQ, flag, flag}});
  }
  builder.add(SCMP_ACT_ERRNO(ENOSYS), "openat2");
  for (const char* name :
       {"creat",     "unlink",   "unlinkat",  "rename",    "renameat", "renameat2", "mkdir",
        "mkdirat",   "rmdir",    "link",      "linkat",    "symlink",  "symlinkat", "truncate",
        "ftruncate", "chmod",    "fchmod",    "fchmodat",  "utime",    "utimes",    "utimensat",
        "futimesat", "setxattr", "lsetxattr", "fsetxattr", "fallocate"})
    builder.refuse(name);
}

/// libseccomp hands a program out through a descriptor only.
Result<std::vector<sock_filter>> program_of(scmp_filter_ctx context) {
  const UniqueFd file(::memfd_create("filter", MFD_CLOEXEC));
  if (!file) return system_error("memfd_create", errno);
  if (const int error = ::seccomp_export_bpf(context, file.get()); error != 0)
    return system_error("seccomp_export_bpf", -error);
  const off_t bytes = ::lseek(file.get(), 0, SEEK_END);
  std::vector<sock_filter> program(
      static_cast<std::size_t>(std::max<off_t>(bytes, 0)) / sizeof(sock_filter)
  );
  if (program.empty() ||
      ::pread(file.get(), program.data(), static_cast<std::size_t>(bytes), 0) != bytes)
    return system_error("the filter cannot be read", errno);
  return program;
}

}  // namespace

std::vector<const char*> never_called() {
  return {
      "execve",
      "execveat",
      "process_vm_writev",
      "process_madvise",
      "pidfd_getfd",
      "kcmp",
      "bpf",
      "userfaultfd",
      "io_uring_setup",
      "io_uring_enter",
      "io_uring_register",
      "mount",
      "umount2",
      "fsopen",
      "fsconfig",
      "fsmount",
      "fspick",
      "move_mount",
      "open_tree",
      "mount_setattr",
      "pivot_root",
      "chroot",
      "unshare",
      "setns",
      "init_module",
      "finit_module",
      "delete_module",
      "kexec_load",
      "kexec_file_load",
      "reboot",
      "swapon",
      "swapoff",
      "acct",
      "quotactl",
      "sethostname",
      "setdomainname",
      "syslog",
      "settimeofday",
      "clock_settime",
      "clock_adjtime",
      "adjtimex",
      "ioperm",
      "iopl",
      "modify_ldt",
      "personality",
      "add_key",
      "request_key",
      "keyctl",
      "setuid",
      "setgid",
      "setreuid",
      "setregid",
      "setresuid",
      "setresgid",
      "setgroups",
      "setfsuid",
      "setfsgid",
      "chown",
      "fchown",
      "lchown",
      "fchownat",
      "mknod",
      "mknodat",
      "open_by_handle_at",
      "name_to_handle_at",
      "fanotify_init",
      "vhangup",
  };
}

Result<SyscallFilter> SyscallFilter::compile(const SyscallRules& rules) {
  if (kSanitized) {
    return Error{Errc::unsupported, "built with a sanitizer, whose runtime makes calls of its own"};
  }
  const Context context(::seccomp_init(SCMP_ACT_ALLOW));
  if (!context) return system_error("seccomp_init", ENOMEM);
  ::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);  // binary search
  Builder builder(context.get());
  for (const char* name : rules.refused)
    builder.refuse(name);
  if (!rules.new_processes) refuse_new_processes(builder);
  if (!rules.write_files) refuse_writing(builder);
  if (rules.socket_families) builder.refuse_all_but("socket", 0, *rules.socket_families);
  if (rules.ptrace_requests) builder.refuse_all_but("ptrace", 0, *rules.ptrace_requests);
  if (builder.error() != 0) return system_error("seccomp_rule_add", -builder.error());
  auto program = program_of(context.get());
  if (!program) return program.error();
  SyscallFilter filter;
  filter.program_ = *std::move(program);
  return filter;
}

Result<void> SyscallFilter::install() const {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return system_error("no_new_privs", errno);
  // Read only: the kernel copies it.
  sock_fprog program{
      static_cast<unsigned short>(program_.size()),
      const_cast<sock_filter*>(program_.data())};  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  // This process runs no foreign code, so it needs no protection from its own speculation.
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) !=
      0)
    return system_error("seccomp", errno);
  return {};
}

}  // namespace pghang::sampler
