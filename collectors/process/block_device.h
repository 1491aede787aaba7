#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "collectors/process/procfs.h"

namespace pghang {

/// The device under a file system, from /sys/dev/block: it asks the kernel, not the device.
struct BlockDevice {
  std::string name;  ///< `/dev/vda1`, `/dev/loop3`, `/dev/dm-0`
  /// What it lies on: the file of a loop device, the devices of a mapped or RAID one, joined by
  /// `, `. Empty for a disk.
  std::string backing;
};

/// Nothing where those numbers are no block device: network and pseudo file systems, btrfs.
[[nodiscard]] std::optional<BlockDevice>
block_device(const ProcFs& proc, std::uint32_t major_number, std::uint32_t minor_number);

}  // namespace pghang
