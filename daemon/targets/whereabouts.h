#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collectors/evidence/glance.h"
#include "config/result.h"
#include "daemon/escalation/tracker.h"

namespace pghang {

/// Whether a server's processes are of this host, as it is found out once for each connection.
/// Until then captures wait here; a pid that SQL says is never looked up before that. Pure.
class Whereabouts {
 public:
  /// What became of the look at our own backend there.
  struct Found {
    std::vector<escalation::CaptureOrder> waiting;  ///< can be decided now
    std::optional<Error> failure;                   ///< it could not be told, this time
  };

  /// Another connection: nothing is known of it.
  void forget() { *this = Whereabouts(); }

  /// True when the caller has to ask now; once until found().
  [[nodiscard]] bool ask() { return !known() && !std::exchange(asked_, true); }

  void wait(const escalation::CaptureOrder& order) { waiting_.push_back(order); }

  /// `listener`: the process that made the server's UNIX socket, 0 where none is known.
  [[nodiscard]] Found found(const Result<Glance>& own_backend, pid_t listener);

  [[nodiscard]] bool known() const { return local_.has_value(); }

  [[nodiscard]] std::optional<bool> local() const { return local_; }

  /// A process in the server's pid namespace, where it is local: its postmaster. Else 0.
  [[nodiscard]] pid_t process() const { return process_; }

  [[nodiscard]] const std::string& why_not() const { return why_not_; }

 private:
  std::optional<bool> local_;
  bool asked_ = false;
  pid_t process_ = 0;
  std::string why_not_;
  std::vector<escalation::CaptureOrder> waiting_;
};

}  // namespace pghang
