#pragma once

#include <dirent.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "config/unique_fd.h"

namespace pghang {

/// The process's own use of resources. What it needs of /proc/self is opened once, so that a
/// scrape neither opens files nor fails when descriptors run out. Those reads touch no disk.
class ProcessStats {
 public:
  ProcessStats();

  [[nodiscard]] static double cpu_seconds();  ///< user and system, getrusage(2)
  [[nodiscard]] std::optional<std::uint64_t> resident_bytes() const;
  [[nodiscard]] std::optional<std::uint64_t> open_fds() const;
  [[nodiscard]] static std::optional<std::uint64_t> max_fds();

 private:
  struct CloseDir {
    void operator()(DIR* dir) const { ::closedir(dir); }
  };

  UniqueFd statm_;
  std::unique_ptr<DIR, CloseDir> fds_;
};

}  // namespace pghang
