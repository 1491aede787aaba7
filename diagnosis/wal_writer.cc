#include "diagnosis/wal_writer.h"

#include <algorithm>
#include <string>

#include "diagnosis/suspects.h"

namespace pghang {
namespace {

/// `pg_xlog` before 10 is not a version that is supported.
bool is_on_wal(const ClusterProcess& process) {
  const auto& call = process.syscall;
  return call && call->fd && call->fd->target.find("/pg_wal/") != std::string::npos;
}

}  // namespace

const ClusterProcess* wal_writer_of(const Capture& capture) {
  for (const Suspect& suspect : suspects_of(capture)) {
    const auto process = std::ranges::find_if(capture.cluster, [&](const ClusterProcess& one) {
      return one.key.pid == suspect.pid;
    });
    if (process != capture.cluster.end() && is_on_wal(*process)) return &*process;
  }
  return nullptr;
}

}  // namespace pghang
