#include "collectors/process/pipe_holders.h"

#include <algorithm>
#include <string>

#include "collectors/process/parsers.h"

namespace pghang {
namespace {

ProcStat stat_of(const ProcFs& proc, pid_t pid) {
  const Result<std::string> text = proc.read(pid, "stat");
  const auto stat = text ? parse_stat(*text) : Result<ProcStat>(text.error());
  return stat ? *stat : ProcStat{};
}

bool holds(const ProcFs& proc, pid_t pid, const std::string& link) {
  const auto links = proc.links(pid, "fd");
  return !links || std::ranges::find(*links, link, &ProcFs::Link::text) != links->end();
}

}  // namespace

std::size_t possible_pipe_holders(
    const ProcFs& proc,
    const PeerQuery& query,
    const std::vector<pid_t>& denied
) {
  if (denied.empty()) return 0;
  pid_t maker = query.pid;
  for (pid_t pid = stat_of(proc, maker).ppid; pid > 0 && holds(proc, pid, query.target);
       pid = stat_of(proc, pid).ppid)
    maker = pid;
  const std::uint64_t since = stat_of(proc, maker).start_ticks;
  return static_cast<std::size_t>(std::ranges::count_if(denied, [&](pid_t pid) {
    return stat_of(proc, pid).start_ticks >= since;
  }));
}

}  // namespace pghang
