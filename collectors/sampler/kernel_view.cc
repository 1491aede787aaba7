#include "collectors/sampler/kernel_view.h"

#include "collectors/process/capabilities.h"
#include "collectors/process/fd_describer.h"
#include "collectors/process/namespaces.h"
#include "collectors/process/observer.h"
#include "collectors/process/syscall_decoder.h"
#include "collectors/process/wchan.h"

namespace pghang::sampler {
namespace {

constexpr std::uint64_t kPrivateFiles = capability::kSysPtrace | capability::kDacReadSearch;

void observe_syscall(const ProcFs& proc, pid_t pid, Capture& capture) {
  const auto text = proc.read(pid, "syscall");
  if (!text) {
    add_missing(capture.missing, proc, "syscall", text.error(), kPrivateFiles);
    return;
  }
  const auto line = parse_syscall(*text);
  if (!line || line->running || line->number < 0) return;
  capture.syscall = decode_syscall(*line, NoMemory());
  const int number = descriptor_argument(*line);
  if (number < 0) return;
  if (auto target = describe_fd(proc, pid, number)) capture.syscall->fd = *target;
}

}  // namespace

void observe_kernel_side(const ProcFs& proc, const ProcStat& stat, pid_t pid, Capture& capture) {
  capture.comm = stat.comm;
  capture.ppid = stat.ppid;
  capture.wchan = read_wchan(proc, pid);
  if (const auto stack = proc.read(pid, "stack")) {
    capture.kernel_stack = parse_kernel_stack(*stack);
  } else {
    add_missing(
        capture.missing,
        proc,
        "kernel_stack",
        stack.error(),
        kPrivateFiles | capability::kSysAdmin
    );
  }
  capture.oom = read_oom_score(proc, pid);
  observe_syscall(proc, pid, capture);
  observe_namespaces(proc, pid, capture);
}

}  // namespace pghang::sampler
