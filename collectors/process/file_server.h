#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collectors/evidence/syscall.h"
#include "collectors/process/parsers.h"
#include "collectors/process/peer_scan.h"

/// Who answers for a file system that no disk does.
namespace pghang {

[[nodiscard]] bool is_fuse(std::string_view fs_type);

/// `filer (10.0.0.9)` of an NFS, SMB or Ceph mount, from its source and its `addr` option; empty
/// for others.
[[nodiscard]] std::string network_server(const Mount& mount);

/// The number of a FUSE mount's connection, as /sys/fs/fuse/connections names it.
[[nodiscard]] std::uint32_t fuse_connection(const Mount& mount);

/// `2 requests wait for an answer` of a connection's file `waiting`; empty where none does.
[[nodiscard]] std::string waiting_requests(std::string_view text);

/// Finds the daemon of one FUSE connection by who has /dev/fuse open. From Linux 6.16 on fdinfo
/// tells which connection that is; before, everybody who has it open may be the one, and those
/// named like the file system's subtype (`fuse.sshfs`) are preferred.
class FuseDaemons {
 public:
  FuseDaemons(std::string fs_type, std::uint32_t connection);

  /// The scan to make. Uses this object.
  [[nodiscard]] PeerQuery query();

  /// Takes what the scan found.
  void take(std::vector<RelatedProcess> found, FdTarget& target) const;

 private:
  std::string fs_type_;
  std::uint32_t connection_;
  std::vector<pid_t> told_;
};

}  // namespace pghang
