#include "daemon/chronicle/signal_outcomes.h"

#include <cmath>
#include <csignal>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace pghang {
namespace {

using escalation::SignalKind;
using std::chrono::milliseconds;
using Step = SignalOutcomes::Step;

constexpr SignalOutcomes::TimePoint kStart{std::chrono::hours(1)};

/// One signal, accepted at kStart, and the looks at its backend.
class Outcomes : public ::testing::Test {
 protected:
  void accept(SignalKind kind) { outcomes_.accepted("main", 1, kind, {4711, {}}, kStart); }

  /// What the next look shows makes these steps reached, with milliseconds.
  std::vector<std::pair<Step, long>> look(const Result<Glance>& glance) {
    const auto due = outcomes_.next_look();
    if (!due) return {{Step::gone, -1}};
    now_ = *due;
    const auto looks = outcomes_.take_due(now_);
    if (looks.size() != 1) return {{Step::gone, -2}};
    Result<Glance> at_now = glance;
    if (at_now) {
      at_now->sample.at_micros =
          std::chrono::duration_cast<std::chrono::microseconds>(now_.time_since_epoch()).count();
    }
    return steps(outcomes_.looked(looks.front(), at_now, now_));
  }

  std::vector<std::pair<Step, long>> end(Outcome outcome, milliseconds after) {
    return steps(outcomes_.ended("main", 1, outcome, kStart + after));
  }

  static std::vector<std::pair<Step, long>> steps(const std::vector<SignalOutcomes::Reached>& all) {
    std::vector<std::pair<Step, long>> found;
    for (const SignalOutcomes::Reached& one : all)
      found.emplace_back(one.step, std::lround(one.after.count() * 1000));
    return found;
  }

  static Glance flags(int cancel, int die, std::optional<bool> runs = true) {
    Glance glance;
    glance.sample.flags.query_cancel_pending = cancel;
    glance.sample.flags.proc_die_pending = die;
    glance.statement_runs = runs;
    return glance;
  }

  using Steps = std::vector<std::pair<Step, long>>;

  SignalOutcomes outcomes_;
  SignalOutcomes::TimePoint now_ = kStart;
};

TEST_F(Outcomes, AFlagIsSeenThenClearedThenThePollSeesTheStatementGone) {
  accept(SignalKind::cancel);
  EXPECT_EQ(look(flags(1, 0)), (Steps{{Step::seen, 5}}));
  EXPECT_EQ(look(flags(1, 0)), Steps{});
  EXPECT_EQ(look(flags(0, 0)), (Steps{{Step::serviced, 100}}));
  EXPECT_EQ(end(Outcome::cancelled, milliseconds(700)), (Steps{{Step::gone, 700}}));
  EXPECT_FALSE(outcomes_.next_look());
}

TEST_F(Outcomes, WhoHasNoStatementAnyMoreHasServedTheCancel) {
  accept(SignalKind::cancel);
  EXPECT_EQ(
      look(flags(0, 0, false)),
      (Steps{{Step::seen, 5}, {Step::serviced, 5}, {Step::gone, 5}})
  );
  EXPECT_FALSE(outcomes_.next_look()) << "there is nothing left to see";
  EXPECT_EQ(end(Outcome::cancelled, milliseconds(700)), Steps{});
}

TEST_F(Outcomes, AFlagThatWasClearAtTheFirstLookWasServedByThenIfTheStatementEnds) {
  accept(SignalKind::cancel);
  EXPECT_EQ(look(flags(0, 0)), Steps{});
  EXPECT_EQ(
      end(Outcome::cancelled, milliseconds(300)),
      (Steps{{Step::seen, 5}, {Step::serviced, 5}, {Step::gone, 300}})
  );
}

TEST_F(Outcomes, AHandlerThatNeverNotedItHasNotSeenIt) {
  accept(SignalKind::terminate);
  for (int i = 0; i < 7; ++i)
    EXPECT_EQ(look(flags(0, 0)), Steps{});
  EXPECT_FALSE(outcomes_.next_look());
  EXPECT_EQ(end(Outcome::self_resolved, milliseconds(60'000)), (Steps{{Step::gone, 60'000}}));
}

TEST_F(Outcomes, ASignalThatTheKernelHasNotDeliveredIsNeitherSeenNorServiced) {
  accept(SignalKind::terminate);
  Glance blocked = flags(0, 0);
  blocked.sample.signals.pending_process = 1ULL << (SIGTERM - 1);
  EXPECT_EQ(look(blocked), Steps{});
  EXPECT_EQ(look(flags(0, 1)), (Steps{{Step::seen, 20}}));
}

TEST_F(Outcomes, AProcessThatIsGoneHasServedTheTerminate) {
  accept(SignalKind::terminate);
  EXPECT_EQ(look(flags(0, 1)), (Steps{{Step::seen, 5}}));
  EXPECT_EQ(
      look(Error{Errc::identity_changed, "another one"}),
      (Steps{{Step::serviced, 20}, {Step::gone, 20}})
  );
  EXPECT_EQ(end(Outcome::terminated, milliseconds(700)), Steps{});
}

TEST_F(Outcomes, OfATerminatedBackendTheCancelHadNoEffect) {
  accept(SignalKind::cancel);
  EXPECT_EQ(look(flags(1, 0)), (Steps{{Step::seen, 5}}));
  outcomes_.accepted("main", 1, SignalKind::terminate, {4711, {}}, kStart);
  for (const auto& [step, ms] : end(Outcome::terminated, milliseconds(50)))
    EXPECT_EQ(step, Step::gone) << "no look told of the terminate's flag";
}

TEST_F(Outcomes, WithoutALocalProcessOnlyThePollTells) {
  accept(SignalKind::cancel);
  EXPECT_EQ(look(Error{Errc::unsupported, "no local process"}), Steps{});
  EXPECT_FALSE(outcomes_.next_look());
  EXPECT_EQ(end(Outcome::cancelled, milliseconds(300)), (Steps{{Step::gone, 300}}));
}

TEST_F(Outcomes, ALookThatHadToGiveWayIsNotTheLast) {
  accept(SignalKind::cancel);
  EXPECT_EQ(look(Error{Errc::busy, "too many"}), Steps{});
  EXPECT_TRUE(outcomes_.next_look());
}

TEST_F(Outcomes, LooksThatWereMissedAreOne) {
  accept(SignalKind::cancel);
  EXPECT_EQ(outcomes_.take_due(kStart + milliseconds(600)).size(), 1U);
  EXPECT_EQ(outcomes_.next_look(), kStart + milliseconds(1000));
}

TEST_F(Outcomes, AnUnknownSightingEndsWithoutAWord) {
  EXPECT_EQ(end(Outcome::cancelled, milliseconds(1)), Steps{});
}

}  // namespace
}  // namespace pghang
