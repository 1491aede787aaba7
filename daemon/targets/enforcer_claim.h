#pragma once

#include <optional>
#include <string>

#include "daemon/escalation/signal.h"
#include "daemon/targets/ports.h"

namespace pghang {

/// How often the lock is asked for while another daemon has it.
inline constexpr Duration kLockRetry{std::chrono::seconds{5}};

/// Whether this daemon may signal on a server that another one may watch too. Pure.
///
/// At first, and while the lock is not ours, it yields. Who takes it over from another daemon
/// yields for one more grace: that one's last signal may have been sent this moment.
class EnforcerClaim {
 public:
  using TimePoint = escalation::TimePoint;

  /// Whether to ask for the lock now; with every poll while it is ours, since it ends with the
  /// connection.
  [[nodiscard]] bool due(TimePoint now) const;
  /// `grace`: the longest of the rules.
  void answered(const LockAnswer& answer, Duration grace, TimePoint now);
  [[nodiscard]] bool yields(TimePoint now) const;

  [[nodiscard]] bool ours() const { return ours_; }

  /// Whom it yields to, or why; empty when it does not.
  [[nodiscard]] std::string yields_to(TimePoint now) const;

 private:
  struct HoldOff {
    TimePoint since;
    Duration length;
  };

  bool ours_ = false;
  std::string holder_;
  std::optional<TimePoint> asked_at_;
  std::optional<HoldOff> hold_off_;
};

}  // namespace pghang
