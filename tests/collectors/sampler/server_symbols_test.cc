#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/collectors/sampler/support.h"

/// Flags of every major release, by the symbols that its real executable has.
namespace pghang::sampler {
namespace {

using testing::Helper;
using testing::Target;

struct Symbol {
  int number = 0;  ///< line of the fixture, and what the variable holds
  int size = 0;
};

struct Fixture {
  std::string version;
  std::map<std::string, Symbol> symbols;
};

Fixture fixture_of(int major) {
  Fixture fixture;
  std::ifstream file(
      std::string(PGHANG_SOURCE_DIR) + "/tests/fixtures/symbols/" + std::to_string(major) + ".txt"
  );
  std::string line;
  std::getline(file, line);
  std::istringstream head(line);
  std::string word;
  head >> word >> word >> fixture.version;
  while (!fixture.version.empty() &&
         fixture.version.find_last_not_of(",:") + 1 < fixture.version.size())
    fixture.version.pop_back();
  std::string name;
  int size = 0;
  for (int number = 1; file >> name >> size; ++number)
    fixture.symbols[name] = {number, size};
  return fixture;
}

const std::map<std::string, std::optional<std::int64_t> InterruptFlags::*>& fields() {
  static const std::map<std::string, std::optional<std::int64_t> InterruptFlags::*> kFields{
      {"InterruptPending", &InterruptFlags::interrupt_pending},
      {"QueryCancelPending", &InterruptFlags::query_cancel_pending},
      {"ProcDiePending", &InterruptFlags::proc_die_pending},
      {"InterruptHoldoffCount", &InterruptFlags::interrupt_holdoff_count},
      {"QueryCancelHoldoffCount", &InterruptFlags::query_cancel_holdoff_count},
      {"CritSectionCount", &InterruptFlags::crit_section_count},
      {"proc_exit_inprogress", &InterruptFlags::proc_exit_inprogress},
      {"ClientAuthInProgress", &InterruptFlags::client_auth_in_progress},
      {"ShutdownRequestPending", &InterruptFlags::shutdown_request_pending},
      {"MyBackendType", &InterruptFlags::my_backend_type},
      {"PostmasterPid", &InterruptFlags::postmaster_pid}};
  return kFields;
}

class ServerOfMajor : public ::testing::TestWithParam<int> {
 protected:
  [[nodiscard]] static std::string program() {
    return std::string(PGHANG_SERVER_PROGRAM) + std::to_string(GetParam());
  }
};

TEST_P(ServerOfMajor, HasItsFlagsReadAsWideAsItsSymbolsAre) {
  const Fixture fixture = fixture_of(GetParam());
  ASSERT_GE(fixture.symbols.size(), 10U);
  const Target target("sleep", program());
  Helper helper;
  const auto capture = helper.capture({.pid = target.pid(), .samples = 1});
  ASSERT_TRUE(capture) << capture.error().context;
  EXPECT_TRUE(capture->postgres);
  const InterruptFlags& flags = capture->samples.back().flags;
  for (const auto& [name, field] : fields()) {
    const auto symbol = fixture.symbols.find(name);
    const auto expected = symbol == fixture.symbols.end()
                              ? std::optional<std::int64_t>()
                              : std::optional<std::int64_t>(symbol->second.number);
    EXPECT_EQ(flags.*field, expected) << name;
  }
  const auto word = fixture.symbols.contains("my_wait_event_info")
                        ? std::optional<std::uint32_t>(0x0A00'0003)
                        : std::nullopt;
  EXPECT_EQ(flags.wait_event_info, word);
}

TEST_P(ServerOfMajor, SaysItsVersion) {
  const Target target("sleep", program());
  Helper helper;
  const auto capture = helper.capture({.pid = target.pid(), .samples = 1});
  ASSERT_TRUE(capture) << capture.error().context;
  EXPECT_EQ(capture->server_version, fixture_of(GetParam()).version);
  EXPECT_EQ(std::stoi(capture->server_version), GetParam());
}

TEST_P(ServerOfMajor, HasWhatItsReleaseBrought) {
  const auto symbols = fixture_of(GetParam()).symbols;
  EXPECT_EQ(symbols.contains("MyBackendType"), GetParam() >= 13);
  EXPECT_EQ(symbols.contains("ShutdownRequestPending"), GetParam() >= 13);
  EXPECT_EQ(symbols.contains("my_wait_event_info"), GetParam() >= 14);
  EXPECT_EQ(symbols.at("InterruptPending").size, GetParam() >= 12 ? 4 : 1);
  EXPECT_EQ(symbols.at("ProcDiePending").size, GetParam() >= 12 ? 4 : 1);
  EXPECT_EQ(symbols.at("proc_exit_inprogress").size, 1);
}

INSTANTIATE_TEST_SUITE_P(Majors, ServerOfMajor, ::testing::Range(10, 19));

}  // namespace
}  // namespace pghang::sampler
