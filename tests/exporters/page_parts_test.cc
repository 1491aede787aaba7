#include <gtest/gtest.h>

#include "diagnosis/explanations.h"
#include "exporters/pages/release_steps.h"
#include "exporters/pages/sparkline.h"
#include "exporters/pages/timeline.h"
#include "tests/exporters/sample_data.h"

namespace pghang {
namespace {

using Parts = std::vector<StepPart>;
using Counts = std::vector<std::size_t>;

constexpr std::int64_t kHour = 3'600'000'000;

TEST(StepParts, OfAStepAreItsWordsAndItsCommands) {
  EXPECT_EQ(
      step_parts("Last resort: pg_ctl restart -m immediate"),
      (Parts{{false, "Last resort: "}, {true, "pg_ctl restart -m immediate"}})
  );
  EXPECT_EQ(step_parts("kill -CONT 12"), (Parts{{true, "kill -CONT 12"}}));
  EXPECT_EQ(
      step_parts("kill -TERM 12, then kill -KILL 12"),
      (Parts{{true, "kill -TERM 12"}, {false, "then "}, {true, "kill -KILL 12"}})
  );
  EXPECT_EQ(
      step_parts("kill -KILL 12: without a postmaster this restarts nothing"),
      (Parts{{true, "kill -KILL 12"}, {false, "without a postmaster this restarts nothing"}})
  );
  EXPECT_EQ(
      step_parts("Look: SELECT 1; and free it"),
      (Parts{{false, "Look: "}, {true, "SELECT 1;"}, {false, "and free it"}})
  );
  EXPECT_EQ(
      step_parts("Wait until that code returns"),
      (Parts{{false, "Wait until that code returns"}})
  );
}

TEST(StepParts, AFileNameMayHoldWhatElseEndsACommand) {
  const std::string command = "timeout 5 tee -a '/srv/a: b, then c' < /dev/null";
  EXPECT_EQ(step_parts(command), (Parts{{true, command}}));
}

TEST(StepParts, WhatNamesNobodyYetIsNoCommand) {
  for (const char* step :
       {"pghangd diagnose each of those",
        "Cut that connection: ss -K src LOCAL dst PEER",
        "pghangd diagnose the other backends that do not move"})
    EXPECT_EQ(step_parts(step), (Parts{{false, step}})) << step;
  EXPECT_EQ(step_parts("pghangd diagnose 4711"), (Parts{{true, "pghangd diagnose 4711"}}));
}

TEST(StepParts, NoCommandOfAnyExplanationHasWordsForAPersonInIt) {
  std::size_t commands = 0;
  for (const Explanation& explanation : explanations()) {
    for (const StepText& step : explanation.steps) {
      for (const StepPart& part : step_parts(step.step)) {
        if (!part.command) continue;
        ++commands;
        for (const char* words : {", then", " or ", " of:", "; if", " for a ", " names "})
          EXPECT_EQ(part.text.find(words), std::string::npos) << part.text;
      }
    }
  }
  EXPECT_GT(commands, 40U);
}

TEST(CountsOverTime, TheLastBarHoldsNowAndWhatIsOlderIsLeftOut) {
  const std::int64_t now = 100 * kHour + 1;
  constexpr BarSpan span{"3 hours", 3600, "hour", 3};
  EXPECT_EQ(
      counts_over_time(
          {now, now - 2, now - kHour, now - 3 * kHour, now + kHour, 98 * kHour},
          now,
          span
      ),
      (Counts{1, 2, 1})
  );
}

TEST(CountsOverTime, DoNotChangeWithinABar) {
  const std::vector<std::int64_t> moments{100 * kHour, 99 * kHour};
  EXPECT_EQ(
      counts_over_time(moments, 100 * kHour, kLastDay),
      counts_over_time(moments, 101 * kHour - 1, kLastDay)
  );
}

TEST(Bars, SayInWordsWhatTheyShow) {
  const std::string html = bars_html({0, 1, 3}, {"3 hours", 3600, "hour", 3});
  EXPECT_NE(html.find("4 incidents in the last 3 hours, at most 3 in one bar"), std::string::npos);
  EXPECT_NE(html.find("height=\"22\"/>"), std::string::npos)
      << "the highest is as high as the room";
  EXPECT_NE(html.find("height=\"1\" class=\"none\"/>"), std::string::npos);
  EXPECT_EQ(bars_html({0, 0}, kLastDay).find("<svg"), std::string::npos);
}

TEST(Timeline, SaysHowLongEachStageTookAndHowFarEachSignalCame) {
  Incident incident = sample::incident();
  incident.signals = {
      {"cancel", 0, 0.01, 0.25, std::nullopt},
      {"terminate", 0, std::nullopt, std::nullopt, std::nullopt}};
  const std::string html = timeline_html(incident, sample::kNow);
  EXPECT_NE(html.find("<b>cancel sent</b> <span class=\"length\">for 30 s<"), std::string::npos);
  EXPECT_NE(
      html.find("<b>unresponsive</b> <span class=\"length\">for 1 min 0 s now"),
      std::string::npos
  );
  EXPECT_NE(
      html.find("noted by PostgreSQL after 0.01 s, served after 0.25 s, not seen to be over"),
      std::string::npos
  );
  EXPECT_NE(html.find("<small>not seen to be noted by PostgreSQL"), std::string::npos);
}

TEST(Timeline, OfWhatIsOverDoesNotGoOn) {
  Incident incident = sample::incident();
  incident.stage = Stage::resolved;
  incident.resolved_at_micros = sample::kNow;
  incident.timeline.push_back({Stage::resolved, sample::kNow, "gone"});
  EXPECT_EQ(timeline_html(incident, sample::kNow), timeline_html(incident, sample::kNow + kHour));
}

}  // namespace
}  // namespace pghang
