#pragma once

#include <optional>

#include <gtest/gtest.h>

#include "daemon/escalation/sighting_machine.h"
#include "tests/daemon/escalation/builders.h"

/// One SightingMachine, driven by seconds.
namespace pghang::escalation::testing {

inline constexpr int kCancelGrace = 30;
inline constexpr int kTerminateGrace = 60;
inline constexpr int kCaptureRepeat = 10;

inline Policy enforcing(RuleAction action) {
  return {
      .mode = Mode::enforce,
      .action = action,
      .for_ = Duration(0),
      .cancel_grace = seconds(kCancelGrace),
      .terminate_grace = seconds(kTerminateGrace),
      .capture_repeat = seconds(kCaptureRepeat),
  };
}

inline Policy observing() {
  Policy policy = enforcing(RuleAction::terminate);
  policy.mode = Mode::observe;
  return policy;
}

inline Policy waiting(int for_seconds) {
  Policy policy = enforcing(RuleAction::terminate);
  policy.for_ = seconds(for_seconds);
  return policy;
}

inline Polled seen(std::optional<Exemption> exemption = std::nullopt) {
  return {
      .presence = Presence::same_statement,
      .criteria_hold = true,
      .exemption = exemption,
  };
}

inline Polled paused() {
  return {.presence = Presence::same_statement, .criteria_hold = false, .exemption = std::nullopt};
}

inline Polled moved_on() {
  return {.presence = Presence::other_statement, .criteria_hold = true, .exemption = std::nullopt};
}

inline Polled gone() {
  return {.presence = Presence::absent, .criteria_hold = false, .exemption = std::nullopt};
}

/// A machine driven by seconds. Each call returns what was asked for; the stage is read afterwards.
struct Driver {
  SightingMachine machine;

  explicit Driver(const Policy& policy, Judged judged = Judged::running)
      : machine(policy, judged, std::nullopt, at(0)) {}

  Action poll(int second, const Polled& what = seen()) { return machine.advance(what, at(second)); }

  Action answer(int second, SignalKind kind, SignalAnswer answer) {
    return machine.advance(Answered{.kind = kind, .answer = answer, .words = ""}, at(second));
  }

  Action cancel(int second, SignalAnswer what) { return answer(second, SignalKind::cancel, what); }

  Action terminate(int second, SignalAnswer what) {
    return answer(second, SignalKind::terminate, what);
  }

  Action pending(int second, bool what) {
    return machine.advance(TerminatePendingSeen{.pending = what}, at(second));
  }

  [[nodiscard]] Stage stage() const { return machine.stage(); }
};

/// Cancel ordered at 0 and accepted at 0.
inline Driver cancel_sent(RuleAction action = RuleAction::terminate) {
  Driver driver(enforcing(action));
  EXPECT_EQ(driver.poll(0).step, Step::send_cancel);
  EXPECT_EQ(driver.cancel(0, SignalAnswer::accepted).step, Step::wait);
  EXPECT_EQ(driver.stage(), Stage::cancel_sent);
  return driver;
}

/// Terminate ordered at 30 and accepted at 30.
inline Driver terminate_sent() {
  Driver driver = cancel_sent();
  EXPECT_EQ(driver.poll(kCancelGrace).step, Step::send_terminate);
  EXPECT_EQ(driver.terminate(kCancelGrace, SignalAnswer::accepted).step, Step::wait);
  EXPECT_EQ(driver.stage(), Stage::terminate_sent);
  return driver;
}

}  // namespace pghang::escalation::testing
