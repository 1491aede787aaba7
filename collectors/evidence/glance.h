#pragma once

#include <optional>

#include "collectors/evidence/process.h"

namespace pghang {

/// A light look at a backend: where it stands with a signal. Wire format between helper and daemon,
/// so: an aggregate of values only, new fields at the end.
struct Glance {
  ProcessKey key;
  bool gone = false;  ///< no such process, or a zombie; then nothing else is meaningful
  pid_t ppid = 0;
  Sample sample;  ///< at_micros by CLOCK_MONOTONIC; flags only where they were asked for and read
  /// debug_query_string is not NULL: it executes a statement. Absent: not read.
  std::optional<bool> statement_runs;

  friend bool operator==(const Glance&, const Glance&) = default;
};

}  // namespace pghang
