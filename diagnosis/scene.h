#pragma once

#include <initializer_list>
#include <string_view>

#include "diagnosis/facts.h"
#include "diagnosis/place.h"

namespace pghang {

/// Everything a case may be told by.
struct Scene {
  const Evidence& evidence;
  const Facts& facts;
  const Place& place;

  [[nodiscard]] const Capture& capture() const { return evidence.capture; }

  /// What the system call's descriptor or path is; null where there is none.
  [[nodiscard]] const FdTarget* fd() const;
  [[nodiscard]] bool calls(std::initializer_list<std::string_view> names) const;
  /// Whether wchan or a line of the kernel stack holds one of the names.
  [[nodiscard]] bool kernel_has(std::initializer_list<std::string_view> names) const;
  [[nodiscard]] bool opens() const;
  [[nodiscard]] bool opens_fifo() const;
  [[nodiscard]] bool opens_for_writing() const;
  [[nodiscard]] bool on_mount() const;
  [[nodiscard]] bool on_pipe() const;
};

/// What the cases of story.cc ask of a scene, beyond its causes.
[[nodiscard]] bool on_network_file_system(const Scene& scene);
/// Somebody outside the server holds the other end of a pipe. Every process of the server holds the
/// log pipe, and none of those is to be ended.
[[nodiscard]] bool has_foreign_peers(const Scene& scene);
/// The flags were not there, rather than out of reach.
[[nodiscard]] bool without_variables(const Scene& scene);
/// A leader that waits until the last of its parallel workers has ended.
[[nodiscard]] bool waits_for_workers(const Scene& scene);
[[nodiscard]] bool orphaned(const Scene& scene);
/// Queues to write WAL behind a process that does not get done with it.
[[nodiscard]] bool waits_for_wal(const Scene& scene);
/// SyncRepWaitForLSN().
[[nodiscard]] bool waits_for_standby(const Scene& scene);
[[nodiscard]] bool waits_in_recovery_conflict(const Scene& scene);
/// A walsender of a server that shuts down: the checkpointer was told to, or has done it.
[[nodiscard]] bool ends_with_the_server(const Scene& scene);
[[nodiscard]] bool waits_for_copy_program(const Scene& scene);
[[nodiscard]] bool authenticates(const Scene& scene);
[[nodiscard]] bool writes_to_log(const Scene& scene);
/// In code of a procedural language that has not come back to PostgreSQL's own.
[[nodiscard]] bool in_procedural_language(const Scene& scene);
[[nodiscard]] bool connects_by_libpq(const Scene& scene);
[[nodiscard]] bool asks_by_libpq(const Scene& scene);

/// `PL/Python` by its handler's module in a chain of modules (place.h); empty where there is none.
[[nodiscard]] std::string_view procedural_language(std::string_view modules);

}  // namespace pghang
