#pragma once

#include <sys/types.h>

#include <string>

#include "config/unique_fd.h"

namespace pghang::test {

/// A child process with a known stack (tests/collectors/stack/target). Killed and reaped with its
/// owner.
class LiveTarget {
 public:
  /// Starts `program` (a target built beside the test) and waits for its `ready`.
  LiveTarget(const std::string& program, const std::string& mode);
  LiveTarget(const LiveTarget&) = delete;
  LiveTarget& operator=(const LiveTarget&) = delete;
  ~LiveTarget();

  [[nodiscard]] pid_t pid() const { return pid_; }

  /// Sends SIGTERM, returns the next line that the target writes.
  [[nodiscard]] std::string end();

 private:
  [[nodiscard]] std::string read_line();
  void wait_until_computing() const;

  pid_t pid_ = -1;
  UniqueFd out_;
};

}  // namespace pghang::test
