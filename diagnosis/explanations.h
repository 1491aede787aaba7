#pragma once

#include <array>
#include <span>
#include <string_view>

namespace pghang {

/// The cases that are explained in words of their own; several may belong to one Cause.
enum class Story {
  gone,
  zombie,
  frozen,
  traced,
  stopped,
  progress_exiting,
  progress_io,
  exiting,
  io_frozen_file_system,
  io_network_file_system,
  io_file,
  io,
  ignored_by_design,
  ignored,
  blocked_shared_memory,
  blocked,
  reporting_log,
  reporting_client,
  reporting,
  handler_replaced,
  cancel_vanished,
  critical_section,
  lwlock,
  held_workers,
  held_rollback,
  held_protocol,
  held_worker,
  held,
  spinning_library,
  spinning,
  fifo_read,
  fifo_write,
  open_call,
  log_pipe,
  child,
  pipe,
  socket,
  nap,
  blocking_call,
  client_ignores_cancel,
  client,
  idle_cancel,
  just_taken,
  within_grace,
  not_asked,
  not_stuck,
  not_sampled,
  state_missing,
  undelivered,
  not_postgres,
  flags_missing,
  auxiliary_silent,
};

/// A way out and its price; both empty where there is none.
struct StepText {
  std::string_view step;
  std::string_view price;
};

/// Placeholders are `{name}`; kPlaceholders lists them all.
struct Explanation {
  Story story;
  std::string_view summary;
  std::array<StepText, 4> steps;  ///< safest first
};

[[nodiscard]] std::span<const Explanation> explanations();
[[nodiscard]] const Explanation& explanation(Story story);

/// What the texts may ask for; story.cc gives each a value.
inline constexpr auto kPlaceholders = std::to_array<std::string_view>(
    {"The",     "again",  "ago",       "asked",   "call", "child",  "child_pids",
     "error",   "fs",     "grace",     "held",    "io",   "kind",   "leader",
     "mount",   "path",   "peer_pids", "peers",   "pid",  "place",  "ppid",
     "samples", "signal", "signame",   "sql_pid", "the",  "tracer", "tracer_pid"}
);

}  // namespace pghang
