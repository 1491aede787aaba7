#include "daemon/chronicle/blocked_behind.h"

#include "diagnosis/wait_graph.h"

namespace pghang {

std::map<pid_t, std::uint32_t>
blocked_behind(const std::vector<Activity>& sessions, const LockSnapshot& locks) {
  WaitInputs inputs;
  inputs.sessions = sessions;
  inputs.locks = locks;
  std::map<pid_t, std::uint32_t> behind;
  for (const WaitNode& node : wait_graph(inputs).nodes) {
    if (node.pid != 0) behind[node.pid] = static_cast<std::uint32_t>(node.waiters);
  }
  return behind;
}

}  // namespace pghang
