#include "collectors/process/check_process.h"

#include <string>
#include <string_view>

#include "collectors/process/cgroup_freezer.h"

namespace pghang {

Result<ProcStat> check_identity(const ProcFs& proc, ProcessKey key) {
  const auto text = proc.read(key.pid, "stat");
  if (!text) return text.error();
  const auto stat = parse_stat(*text);
  if (!stat) return stat.error();
  if (stat->start_ticks != key.start_ticks) {
    return Error{Errc::identity_changed, "the pid belongs to another process now"};
  }
  return *stat;
}

Result<void> check_stoppable(const ProcFs& proc, ProcessKey key) {
  const auto stat = check_identity(proc, key);
  if (!stat) return stat.error();
  if (stat->kernel_thread) return Error{Errc::refused, "a kernel thread is left alone"};
  if (stat->state != ProcessState::running && stat->state != ProcessState::sleeping) {
    return Error{
        Errc::refused,
        std::string("a process in state ") + static_cast<char>(stat->state) + " is left alone"};
  }
  // A frozen process shows S with cgroup v2.
  const auto wchan = proc.read(key.pid, "wchan");
  const auto frozen =
      is_frozen(proc, key.pid, wchan ? std::string_view(*wchan) : std::string_view());
  if (frozen && *frozen) return Error{Errc::refused, "a frozen process is left alone"};
  return {};
}

}  // namespace pghang
