#include "daemon/targets/capture_desk.h"

#include <exception>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "tests/fakes/fake_sampler.h"

namespace pghang {
namespace {

class Desk : public ::testing::Test {
 protected:
  boost::asio::io_context loop_{1};
  fakes::FakeSampler sampler_;
  std::vector<std::pair<pid_t, Result<Capture>>> done_;
  CaptureDesk desk_{
      loop_.get_executor(),
      sampler_,
      Sampling{},
      [this](const CaptureJob& job, Result<Capture> result, std::chrono::steady_clock::duration) {
        done_.emplace_back(job.order.backend.pid, std::move(result));
      }};

  void serve() {
    boost::asio::co_spawn(loop_, desk_.run(), [](const std::exception_ptr&) {});
    loop_.run_for(std::chrono::milliseconds(20));
  }

  static CaptureJob job(pid_t pid) {
    return CaptureJob{"main", {1, BackendKey{pid, PgTimestamp{5'000'000}}}};
  }
};

TEST_F(Desk, TakesCapturesInTheOrderTheyCame) {
  desk_.submit(job(10));
  desk_.submit(job(20));
  serve();
  ASSERT_EQ(done_.size(), 2U);
  EXPECT_EQ(done_[0].first, 10);
  EXPECT_EQ(done_[1].first, 20);
}

TEST_F(Desk, LooksOnlyAtTheCountersAndWhenNoCaptureWaits) {
  std::vector<pid_t> looked;
  desk_.tell_looks_to([&](const LookJob& one, const Result<Capture>& result) {
    EXPECT_TRUE(result);
    looked.push_back(one.backend.pid);
  });
  const LookJob look{7, BackendKey{30, PgTimestamp{5'000'000}}, 5000};
  desk_.look(look);
  desk_.look(look);
  desk_.submit(job(10));
  serve();
  EXPECT_EQ(looked, std::vector<pid_t>{30}) << "twice is once";
  ASSERT_EQ(sampler_.asked.size(), 2U);
  EXPECT_EQ(sampler_.asked[0].request.pid, 10);
  const sampler::CaptureRequest& request = sampler_.asked[1].request;
  EXPECT_TRUE(request.samples_only);
  EXPECT_EQ(request.samples, 1U);
  EXPECT_FALSE(request.allow_ptrace_stop);
  EXPECT_EQ(request.server_process, 5000);
  EXPECT_EQ(request.expect_started_at_micros, 5'000'000 + kPgEpochUnixMicros);
  EXPECT_EQ(sampler_.asked[1].deadline, CaptureDesk::kLookDeadline);
}

TEST_F(Desk, LeavesLooksOutThatAreTooMany) {
  std::size_t looked = 0;
  desk_.tell_looks_to([&](const LookJob&, const Result<Capture>&) { ++looked; });
  for (pid_t pid = 1; pid <= static_cast<pid_t>(CaptureDesk::kMaxLooks) + 5; ++pid)
    desk_.look({7, BackendKey{pid, PgTimestamp{1}}, 0});
  serve();
  EXPECT_EQ(looked, CaptureDesk::kMaxLooks);
}

TEST_F(Desk, AsksForTheProcessThatStartedWithItsBackend) {
  desk_.submit(job(10));
  serve();
  ASSERT_EQ(sampler_.asked.size(), 1U);
  EXPECT_EQ(sampler_.asked[0].request.expect_started_at_micros, 5'000'000 + kPgEpochUnixMicros);
}

TEST_F(Desk, AsksByThePidThatSqlSaid) {
  CaptureJob one = job(10);
  one.server_process = 5000;
  desk_.submit(one);
  serve();
  ASSERT_EQ(sampler_.asked.size(), 1U);
  EXPECT_EQ(sampler_.asked[0].request.pid, 10);
  EXPECT_TRUE(sampler_.asked[0].request.server_pid);
  EXPECT_EQ(sampler_.asked[0].request.server_process, 5000);
}

TEST_F(Desk, WhereAServerIsGoesBeforeCapturesAndGlancesAfterThem) {
  std::vector<std::string> order;
  desk_.glance({.pid = 1}, [&](const Result<Glance>&) {
    order.emplace_back("glance " + std::to_string(done_.size()));
  });
  desk_.submit(job(10));
  desk_.locate({.pid = 2}, [&](const Result<Glance>&) {
    order.emplace_back("locate " + std::to_string(done_.size()));
  });
  serve();
  EXPECT_EQ(order, (std::vector<std::string>{"locate 0", "glance 1"}));
}

TEST_F(Desk, RefusesGlancesBeyondItsLimitAtOnce) {
  std::size_t refused = 0;
  for (std::size_t i = 0; i <= CaptureDesk::kMaxGlances; ++i)
    desk_.glance({.pid = 1}, [&](const Result<Glance>& seen) { refused += seen ? 0U : 1U; });
  EXPECT_EQ(refused, 1U);
}

TEST_F(Desk, CapturesGoBeforePrewarming) {
  desk_.prewarm({.pid = 99});
  desk_.submit(job(10));
  serve();
  EXPECT_EQ(done_.size(), 1U);
  EXPECT_EQ(sampler_.prewarmed, std::vector<pid_t>{99});
}

TEST_F(Desk, AFullQueueAnswersBusyAtOnce) {
  for (std::size_t i = 0; i < CaptureDesk::kMaxWaiting; ++i)
    desk_.submit(job(10));
  EXPECT_TRUE(done_.empty());
  desk_.submit(job(77));
  ASSERT_EQ(done_.size(), 1U);
  EXPECT_EQ(done_[0].first, 77);
  EXPECT_EQ(done_[0].second.error().code, Errc::busy);
}

}  // namespace
}  // namespace pghang
