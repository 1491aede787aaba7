#include <linux/capability.h>

#include <string>

#include <gtest/gtest.h>

#include "daemon/doctor/checks.h"

namespace pghang::doctor {
namespace {

constexpr std::uint64_t bit(unsigned number) {
  return 1ULL << number;
}

constexpr std::uint64_t kUnit = bit(CAP_SYS_PTRACE) | bit(CAP_DAC_READ_SEARCH) | bit(CAP_SYS_NICE);

const CheckLine& line(const CheckList& checks, const std::string& check) {
  for (const CheckLine& one : checks) {
    if (one.check == check) return one;
  }
  ADD_FAILURE() << "no line for " << check;
  return checks.front();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

PrivilegeFacts service() {
  return {
      .uid = 999,
      .user = "pghangd",
      .sampler = std::nullopt,
      .sampler_program = "/usr/bin/pghangd-sampler",
      .capabilities = kUnit};
}

TEST(CheckPrivileges, TheServiceAsShippedHasNothingToComplainOf) {
  const CheckList checks = check_privileges(service());
  EXPECT_EQ(count(checks, Grade::ok), checks.size());
  EXPECT_TRUE(has(line(checks, "capabilities, optional").text, "not held"));
}

TEST(CheckPrivileges, EachCapabilityThatIsMissingIsNamedWithWhatIsLost) {
  PrivilegeFacts facts = service();
  facts.capabilities = bit(CAP_SYS_NICE);
  const CheckList checks = check_privileges(facts);
  const CheckLine& trace = line(checks, "capability CAP_SYS_PTRACE");
  EXPECT_EQ(trace.grade, Grade::fail);
  EXPECT_TRUE(has(trace.fix, "AmbientCapabilities=")) << trace.fix;
  EXPECT_TRUE(has(trace.fix, "CAP_SYS_PTRACE")) << trace.fix;
  EXPECT_EQ(line(checks, "capability CAP_DAC_READ_SEARCH").grade, Grade::fail);
  EXPECT_EQ(line(checks, "capability CAP_SYS_NICE").grade, Grade::ok);
}

TEST(CheckPrivileges, WithoutSysNiceItWorksButHoldsLonger) {
  PrivilegeFacts facts = service();
  facts.capabilities &= ~bit(CAP_SYS_NICE);
  EXPECT_EQ(line(check_privileges(facts), "capability CAP_SYS_NICE").grade, Grade::warn);
}

TEST(CheckPrivileges, RootIsWarnedThatItIsNotTheService) {
  PrivilegeFacts facts = service();
  facts.uid = 0;
  const CheckLine user = line(check_privileges(facts), "user");
  EXPECT_EQ(user.grade, Grade::warn);
  EXPECT_EQ(user.fix, "sudo pghangd doctor --user pghangd");
}

TEST(CheckPrivileges, ASamplerThatDoesNotRunIsTheOnlyThingSaidOfIt) {
  PrivilegeFacts facts = service();
  facts.sampler = Error{Errc::not_found, "No such file or directory"};
  const CheckList checks = check_privileges(facts);
  ASSERT_EQ(checks.size(), 2U);
  EXPECT_EQ(checks[1].grade, Grade::fail);
  EXPECT_TRUE(has(checks[1].fix, "ldd /usr/bin/pghangd-sampler"));
}

TEST(CheckOwnSignals, NeedTheCapabilityThatADropInGives) {
  Settings settings;
  EXPECT_TRUE(check_own_signals(settings, kUnit).empty()) << "not asked for";
  settings.signal_without_sql = true;
  const CheckLine refused = line(check_own_signals(settings, kUnit), "capability CAP_KILL");
  EXPECT_EQ(refused.grade, Grade::fail);
  EXPECT_TRUE(has(refused.fix, "signal-without-sql.conf"));
  const auto given = check_own_signals(settings, kUnit | bit(CAP_KILL));
  EXPECT_EQ(line(given, "capability CAP_KILL").grade, Grade::ok);
}

TEST(CheckKernel, PtraceScopeThreeStopsEverybody) {
  const KernelFacts facts{
      .ptrace_scope = 3,
      .kptr_restrict = 0,
      .perf_event_paranoid = 1,
      .mounts = ""};
  const CheckLine scope = line(check_kernel(facts, kUnit), "kernel.yama.ptrace_scope");
  EXPECT_EQ(scope.grade, Grade::fail);
  EXPECT_TRUE(has(scope.fix, "restart the machine"));
}

TEST(CheckKernel, PtraceScopeTwoStopsOnlyWhoLacksTheCapability) {
  const KernelFacts facts{
      .ptrace_scope = 2,
      .kptr_restrict = 0,
      .perf_event_paranoid = 1,
      .mounts = ""};
  EXPECT_EQ(line(check_kernel(facts, kUnit), "kernel.yama.ptrace_scope").grade, Grade::ok);
  EXPECT_EQ(line(check_kernel(facts, 0), "kernel.yama.ptrace_scope").grade, Grade::fail);
}

TEST(CheckKernel, HiddenProcessesAreSeenWithTheCapabilityOnly) {
  KernelFacts facts;
  facts.mounts = "22 1 0:5 / /proc rw,nosuid - proc proc rw,gid=1,hidepid=invisible\n";
  EXPECT_EQ(line(check_kernel(facts, kUnit), "hidepid of /proc").grade, Grade::ok);
  const CheckLine blind = line(check_kernel(facts, 0), "hidepid of /proc");
  EXPECT_EQ(blind.grade, Grade::fail);
  EXPECT_TRUE(has(blind.text, "invisible"));
}

TEST(CheckKernel, PerfIsOnlyMentionedAndNeverAWarning) {
  KernelFacts facts;
  facts.perf_event_paranoid = 2;
  const CheckLine without = line(check_kernel(facts, kUnit), "kernel.perf_event_paranoid");
  EXPECT_EQ(without.grade, Grade::ok);
  EXPECT_TRUE(has(without.text, "--trace"));
  const auto with = check_kernel(facts, kUnit | bit(CAP_PERFMON));
  EXPECT_EQ(line(with, "kernel.perf_event_paranoid").text, "2");
}

TEST(Hidepid, IsThatOfTheLastMountAtProc) {
  EXPECT_EQ(hidepid_of("22 1 0:5 / /proc rw - proc proc rw\n"), "");
  EXPECT_EQ(hidepid_of("22 1 0:5 / /proc rw - proc proc rw,hidepid=0\n"), "");
  EXPECT_EQ(
      hidepid_of("22 1 0:5 / /proc rw - proc proc rw,hidepid=2,gid=5\n"
                 "23 1 0:6 / /mnt rw - proc proc rw,hidepid=1\n"),
      "2"
  );
  EXPECT_EQ(
      hidepid_of("22 1 0:5 / /proc rw - proc proc rw,hidepid=2\n"
                 "23 22 0:6 / /proc rw - proc proc rw\n"),
      ""
  );
}

TEST(CheckLibraries, ALibpqWithoutScramFails) {
  EXPECT_EQ(check_libraries({.libpq_release = 9, .built_with = ""})[0].grade, Grade::fail);
  const CheckLine fine = check_libraries({.libpq_release = 15, .built_with = "Boost 1.81.0"})[0];
  EXPECT_EQ(fine.grade, Grade::ok);
  EXPECT_TRUE(has(fine.text, "Boost 1.81.0"));
}

TEST(CheckAddress, APortOfAnotherProgramFailsAndOneOfOursDoesNot) {
  AddressFacts facts{.address = "127.0.0.1:10187", .error = std::nullopt, .ours = false};
  EXPECT_EQ(check_address(facts).grade, Grade::ok);
  facts.error = Error{Errc::io, "127.0.0.1:10187: Address already in use"};
  const CheckLine taken = check_address(facts);
  EXPECT_EQ(taken.grade, Grade::fail);
  EXPECT_TRUE(has(taken.fix, "ss -ltnp 'sport = :10187'")) << taken.fix;
  facts.ours = true;
  EXPECT_EQ(check_address(facts).grade, Grade::ok);
}

}  // namespace
}  // namespace pghang::doctor
