#include <csignal>
#include <string>

#include <gtest/gtest.h>

#include "collectors/process/parsers.h"

namespace pghang {
namespace {

/// From `cat /proc/PID/status` of a backend on Debian 12, shortened to what is around the fields.
constexpr const char* kBackend =
    "Name:\tpostgres\n"
    "Umask:\t0077\n"
    "State:\tD (disk sleep)\n"
    "Tgid:\t4711\n"
    "Pid:\t4711\n"
    "PPid:\t4000\n"
    "TracerPid:\t99\n"
    "Uid:\t106\t107\t106\t106\n"
    "Gid:\t114\t114\t114\t114\n"
    "NSpid:\t4711\t88\t17\n"
    "VmPeak:\t  220000 kB\n"
    "SigQ:\t1/192000\n"
    "SigPnd:\t0000000000000000\n"
    "ShdPnd:\t0000000000004000\n"
    "SigBlk:\tfffffffe7ffbfeff\n"
    "SigIgn:\t0000000001301800\n"
    "SigCgt:\t0000000180006287\n"
    "CapInh:\t0000000000000000\n"
    "CapEff:\t000001ffffffffff\n"
    "voluntary_ctxt_switches:\t150\n"
    "nonvoluntary_ctxt_switches:\t7\n";

std::string without(const std::string& line_start) {
  std::string text = kBackend;
  const std::size_t at = text.find(line_start);
  return text.erase(at, text.find('\n', at) + 1 - at);
}

TEST(ParseStatus, ReadsABackend) {
  const auto status = parse_status(kBackend);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->state, ProcessState::uninterruptible);
  EXPECT_EQ(status->tracer_pid, 99);
  EXPECT_EQ(status->uid, 107U);
  EXPECT_EQ(status->voluntary_switches, 150U);
  EXPECT_EQ(status->involuntary_switches, 7U);
  EXPECT_EQ(status->effective_capabilities, 0x1ffffffffffU);
}

TEST(ParseStatus, TakesTheInnermostPidOfTheNamespaces) {
  EXPECT_EQ(parse_status(kBackend).value().ns_pid, 17);
}

TEST(ParseStatus, TakesThePidWhereTheKernelHasNoNamespaces) {
  EXPECT_EQ(parse_status(without("NSpid")).value().ns_pid, 4711);
}

TEST(ParseStatus, ReadsMasksOf64Bits) {
  const SignalSets signals = parse_status(kBackend).value().signals;
  EXPECT_EQ(signals.blocked, 0xfffffffe7ffbfeffU);
  EXPECT_TRUE(has_signal(signals.blocked, 64));
  EXPECT_TRUE(is_pending(signals, SIGTERM));
  EXPECT_TRUE(has_signal(signals.ignored, SIGPIPE));
  EXPECT_FALSE(has_signal(signals.ignored, SIGTERM));
}

TEST(ParseStatus, IsNotDeceivedByANameThatLooksLikeAField) {
  std::string text = kBackend;
  // The kernel writes a newline in the name as backslash and n.
  text.replace(text.find("postgres"), 8, "x\\nState:\tR");
  EXPECT_EQ(parse_status(text).value().state, ProcessState::uninterruptible);
}

TEST(ParseStatus, RefusesATextWithoutOneOfItsFields) {
  for (const char* field :
       {"State",
        "Uid",
        "TracerPid",
        "SigPnd",
        "ShdPnd",
        "SigBlk",
        "SigIgn",
        "SigCgt",
        "CapEff",
        "voluntary",
        "nonvoluntary"})
    EXPECT_FALSE(parse_status(without(field))) << field;
  EXPECT_EQ(parse_status("").error().code, Errc::malformed);
}

TEST(ParseStatus, RefusesAMaskThatIsNone) {
  std::string text = kBackend;
  text.replace(text.find("fffffffe7ffbfeff"), 16, "fffffffe7ffbfegg");
  EXPECT_EQ(parse_status(text).error().code, Errc::malformed);
}

}  // namespace
}  // namespace pghang
