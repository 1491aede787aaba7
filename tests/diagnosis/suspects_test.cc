#include "diagnosis/suspects.h"

#include <gtest/gtest.h>

#include "tests/diagnosis/cluster_builder.h"
#include "tests/diagnosis/hangs.h"

/// Who may hold what a backend waits for, and who cannot.
namespace pghang {
namespace {

using tests::cluster;
using tests::Given;
using tests::Other;
using tests::waits_for_lwlock;

std::vector<Suspect> suspects(Given given, const auto&... others) {
  return suspects_of(given.capture(cluster(others...)).evidence().capture);
}

std::vector<pid_t> pids(const std::vector<Suspect>& suspects) {
  std::vector<pid_t> found;
  for (const Suspect& suspect : suspects)
    found.push_back(suspect.pid);
  return found;
}

TEST(Suspects, OfACaptureWithoutASurveyAreNobody) {
  EXPECT_TRUE(suspects(waits_for_lwlock()).empty());
}

TEST(Suspects, AreNotThoseThatIdle) {
  EXPECT_TRUE(suspects(waits_for_lwlock(), Other(5000), Other(5001, "walwriter ")).empty());
}

TEST(Suspects, OfAnLwLockIsAProcessInDStateWithInterruptsHeld) {
  const auto found = suspects(
      waits_for_lwlock(),
      Other(5000)
          .state(ProcessState::uninterruptible)
          .holdoff(2)
          .in_call(tests::call_on("pwrite64", tests::descriptor(31, FdKind::file, "/mnt/ts/1")))
  );
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].pid, 5000);
  EXPECT_EQ(found[0].title, "postgres: 15/main: app shop [local] idle");
  EXPECT_EQ(found[0].state, ProcessState::uninterruptible);
  EXPECT_EQ(found[0].where, "waits in pwrite64(\"/mnt/ts/1\")");
  EXPECT_EQ(found[0].why, "state D, where no signal reaches it; InterruptHoldoffCount=2");
}

TEST(Suspects, OfAnLwLockAreNotThoseThatHoldNoInterrupts) {
  EXPECT_TRUE(suspects(
                  waits_for_lwlock(),
                  Other(5000).state(ProcessState::uninterruptible),
                  Other(5001).state(ProcessState::stopped),
                  Other(5002).die_pending()
  )
                  .empty());
}

TEST(Suspects, OfAnLwLockRemainThoseWhoseFlagsCouldNotBeRead) {
  const auto found =
      suspects(waits_for_lwlock(), Other(5000).state(ProcessState::stopped).without_flags());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].why, "state T, stopped by a signal");
}

TEST(Suspects, OfAnythingElseAreAllThatCannotRunOrShouldBeGone) {
  EXPECT_EQ(
      pids(suspects(
          Given().die_pending().holdoff(1),
          Other(5003).die_pending(),
          Other(5000).state(ProcessState::uninterruptible),
          Other(5001).state(ProcessState::stopped),
          Other(5002).frozen(),
          Other(5004)
      )),
      (std::vector<pid_t>{5000, 5001, 5002, 5003})
  );
}

TEST(Suspects, OfAnLwLockAreNotItsOtherWaiters) {
  EXPECT_TRUE(
      suspects(waits_for_lwlock(), Other(5000).holdoff(1).waits_for_lwlock().die_pending()).empty()
  );
}

TEST(Suspects, OfAnLwLockIsAWaiterThatHoldsMoreThanItsOwnWait) {
  const auto found = suspects(waits_for_lwlock(), Other(5000).holdoff(2).waits_for_lwlock());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].why, "waits for an LWLock and may hold another; InterruptHoldoffCount=2");
}

TEST(Suspects, OfAnLwLockIsAStoppedWaiterForTheLockMayHaveBeenPassedToIt) {
  EXPECT_EQ(
      suspects(
          waits_for_lwlock(),
          Other(5000).holdoff(1).waits_for_lwlock().state(ProcessState::stopped)
      )
          .size(),
      1U
  );
}

TEST(Suspects, AreToldFromTheWaitEventWhereThereIsNoStack) {
  const Given given = Given().die_pending().holdoff(1).samples([](Sample& sample) {
    sample.flags.wait_event_info = tests::kLwLockWord;
  });
  EXPECT_TRUE(suspects(given, Other(5000).state(ProcessState::stopped)).empty());
}

TEST(Suspects, NameTheTracer) {
  const auto traced = Other(5000).state(ProcessState::traced).holdoff(1);
  EXPECT_EQ(
      suspects(waits_for_lwlock(), traced)[0].why,
      "state t, held by a tracer; InterruptHoldoffCount=1"
  );
  const auto named = Other(traced).with([](ClusterProcess& process) {
    process.tracer = RelatedProcess{99, "gdb", ProcessState::sleeping, ""};
  });
  EXPECT_EQ(
      suspects(waits_for_lwlock(), named)[0].why,
      "held by gdb (pid 99), which traces it; InterruptHoldoffCount=1"
  );
}

TEST(Suspects, ComeMostTellingFirstThenByPid) {
  EXPECT_EQ(
      pids(suspects(
          waits_for_lwlock(),
          Other(5009).holdoff(1),
          Other(5008).holdoff(2).waits_for_lwlock(),
          Other(5007).holdoff(1).die_pending(),
          Other(5006).holdoff(1).state(ProcessState::stopped),
          Other(5005).holdoff(1).state(ProcessState::uninterruptible)
      )),
      (std::vector<pid_t>{5005, 5006, 5007, 5009, 5008})
  );
}

TEST(Suspects, AreNeverTheCapturedProcessItself) {
  EXPECT_TRUE(
      suspects(waits_for_lwlock(), Other(4711).holdoff(1).state(ProcessState::stopped)).empty()
  );
}

}  // namespace
}  // namespace pghang
