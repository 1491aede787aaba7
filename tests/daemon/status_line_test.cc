#include "daemon/service/status_line.h"

#include <gtest/gtest.h>

namespace pghang {
namespace {

TEST(StatusLine, CountsTargetsUpAndOpenIncidents) {
  View view;
  view.mode = "observe";
  view.targets.resize(2);
  view.targets[0].up = true;
  view.incidents.resize(3);
  view.incidents[1].stage = Stage::resolved;
  EXPECT_EQ(status_line(view, ""), "1 of 2 targets up, 2 open incidents, mode observe");
  view.targets.resize(1);
  view.incidents.resize(2);
  EXPECT_EQ(status_line(view, ""), "1 of 1 target up, 1 open incident, mode observe");
}

TEST(StatusLine, SaysWhatDoesNotWorkInOneLine) {
  View view;
  view.mode = "enforce";
  view.targets.resize(1);
  view.targets[0].name = "main";
  view.targets[0].error = "io: FATAL:\nrole \"pghangd\" does not exist";
  view.config_last_reload_successful = false;
  EXPECT_EQ(
      status_line(view, "captures see less without CAP_SYS_NICE"),
      "0 of 1 target up, 0 open incidents, mode enforce; the last reload failed, see the log; "
      "captures see less without CAP_SYS_NICE; main: io: FATAL: role \"pghangd\" does not exist"
  );
}

}  // namespace
}  // namespace pghang
