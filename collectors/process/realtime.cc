#include "collectors/process/realtime.h"

#include <cerrno>

#include "collectors/process/parsers.h"

namespace pghang {

int processor_of(const ProcFs& proc, pid_t pid) {
  const auto text = proc.read(pid, "stat");
  const auto stat = text ? parse_stat(*text) : Result<ProcStat>(text.error());
  return stat ? stat->processor : -1;
}

Realtime::Realtime(int avoided_cpu) {
  const sched_param lowest{.sched_priority = 1};
  if (::sched_setscheduler(0, SCHED_FIFO, &lowest) != 0) error_ = errno;
  if (avoided_cpu < 0 || avoided_cpu >= CPU_SETSIZE) return;
  if (::sched_getaffinity(0, sizeof before_, &before_) != 0) return;
  cpu_set_t others = before_;
  CPU_CLR(static_cast<unsigned>(avoided_cpu), &others);
  moved_ = CPU_COUNT(&others) > 0 && ::sched_setaffinity(0, sizeof others, &others) == 0;
}

Realtime::~Realtime() {
  if (moved_) ::sched_setaffinity(0, sizeof before_, &before_);
  const sched_param none{};
  if (error_ == 0) ::sched_setscheduler(0, SCHED_OTHER, &none);
}

}  // namespace pghang
