#include <string>

#include <gtest/gtest.h>

#include "daemon/doctor/checks.h"

namespace pghang::doctor {
namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

ConfigFacts file(unsigned mode) {
  ConfigFacts facts;
  facts.file = "/etc/pghangd/pghangd.yaml";
  facts.mode = mode;
  return facts;
}

Settings with_dsn(const std::string& dsn) {
  Settings settings = default_settings();
  settings.targets[0].dsn = dsn;
  return settings;
}

TEST(CheckConfig, AGoodFileIsSummedUp) {
  const CheckList checks = check_config(file(0640), default_settings());
  ASSERT_EQ(checks.size(), 1U);
  EXPECT_EQ(checks[0].grade, Grade::ok);
  EXPECT_EQ(checks[0].text, "/etc/pghangd/pghangd.yaml: mode observe, 1 target, 2 rules");
}

TEST(CheckConfig, EachProblemIsALineWithItsPlace) {
  ConfigFacts facts = file(0640);
  facts.problems = {
      {facts.file, 3, "polling.intervall", "unknown key"},
      {facts.file, 5, "mode", "must be observe or enforce"}};
  const CheckList checks = check_config(facts, Settings{});
  ASSERT_EQ(checks.size(), 2U);
  EXPECT_EQ(checks[0].grade, Grade::fail);
  EXPECT_TRUE(has(checks[0].text, "pghangd.yaml:3: polling.intervall: unknown key"));
  EXPECT_TRUE(has(checks[0].fix, "pghangd.yaml(5)"));
}

TEST(CheckConfig, AFileThatCannotBeReadIsAboutItsPermissions) {
  ConfigFacts facts = file(0);
  facts.problems = {{facts.file, 0, "", "cannot be read: Permission denied"}};
  const CheckLine line = check_config(facts, Settings{})[0];
  EXPECT_EQ(line.grade, Grade::fail);
  EXPECT_TRUE(has(line.fix, "ls -l /etc/pghangd/pghangd.yaml")) << line.fix;
}

TEST(CheckConfig, AFileSystemThatHangsIsNotWaitedFor) {
  ConfigFacts facts = file(0);
  facts.answered = false;
  const CheckLine line = check_config(facts, Settings{})[0];
  EXPECT_EQ(line.grade, Grade::fail);
  EXPECT_TRUE(has(line.fix, "findmnt -T"));
}

TEST(CheckConfig, BuiltInDefaultsBesideAnInstalledFileAreProbablyAMistake) {
  ConfigFacts facts;
  EXPECT_EQ(check_config(facts, default_settings())[0].grade, Grade::ok);
  facts.installed = true;
  const CheckLine line = check_config(facts, default_settings())[0];
  EXPECT_EQ(line.grade, Grade::warn);
  EXPECT_EQ(line.fix, "pghangd doctor --config.file /etc/pghangd/pghangd.yaml");
}

TEST(CheckConfig, APasswordThatEverybodyMayReadIsAWarningThatDoesNotRepeatIt) {
  for (const char* dsn :
       {"user=pghangd password=hunter2", "postgresql://pghangd:hunter2@db/postgres"}) {
    EXPECT_EQ(check_config(file(0640), with_dsn(dsn)).size(), 1U) << dsn;
    const CheckList checks = check_config(file(0644), with_dsn(dsn));
    ASSERT_EQ(checks.size(), 2U) << dsn;
    EXPECT_EQ(checks[1].grade, Grade::warn);
    EXPECT_TRUE(has(checks[1].text, "0644"));
    EXPECT_FALSE(has(render_checks(checks), "hunter2"));
  }
  EXPECT_EQ(check_config(file(0644), with_dsn("postgresql://pghangd@db:5432/postgres")).size(), 1U);
}

TEST(CheckFolder, SaysWhyItCannotBeWrittenToAndHowToMakeIt) {
  FolderFacts facts{
      .key = "bundle.directory",
      .path = "/var/lib/pghangd/bundles",
      .answered = true,
      .error = "No such file or directory",
      .free_bytes = 0};
  const CheckLine line = check_folder(facts);
  EXPECT_EQ(line.grade, Grade::fail);
  EXPECT_EQ(line.check, "bundle.directory");
  EXPECT_TRUE(
      has(line.fix, "sudo install -d -o pghangd -g pghangd -m 0700 /var/lib/pghangd/bundles")
  );
  facts.error.clear();
  EXPECT_EQ(check_folder(facts).grade, Grade::warn) << "no room";
  facts.free_bytes = 1UL << 30U;
  EXPECT_EQ(check_folder(facts).grade, Grade::ok);
  facts.answered = false;
  EXPECT_EQ(check_folder(facts).grade, Grade::fail);
}

StoreFacts store(const std::string& error = "", std::uint64_t free_bytes = 1UL << 30U) {
  StoreFacts facts;
  facts.file = "/var/lib/pghangd/pghangd.db";
  facts.folder.key = "store.file";
  facts.folder.path = "/var/lib/pghangd";
  facts.folder.error = error;
  facts.folder.free_bytes = free_bytes;
  return facts;
}

TEST(CheckStore, IsItsFoldersLineWhereThatIsThere) {
  EXPECT_EQ(check_store(store()).grade, Grade::ok);
  EXPECT_EQ(check_store(store("", 1)).grade, Grade::warn) << "no room";
  const CheckLine line = check_store(store("Permission denied"));
  EXPECT_EQ(line.grade, Grade::fail);
  EXPECT_TRUE(has(line.text, "/var/lib/pghangd cannot be written to: Permission denied"));
}

TEST(CheckStore, AStateDirectoryThatSystemdWillMakeIsNoFailure) {
  StoreFacts facts = store("No such file or directory");
  facts.missing = true;
  EXPECT_EQ(check_store(facts).grade, Grade::fail) << "nobody will make it";
  facts.by_systemd = true;
  const CheckLine line = check_store(facts);
  EXPECT_EQ(line.grade, Grade::ok);
  EXPECT_TRUE(has(line.text, "systemd makes it when the service starts, 1024 MB free"));
  facts.folder.free_bytes = 1;
  EXPECT_EQ(check_store(facts).grade, Grade::warn);
  facts.folder.answered = false;
  EXPECT_EQ(check_store(facts).grade, Grade::fail);
}

TEST(CheckStore, AFileOfAnotherUserIsNamedWithItsFix) {
  StoreFacts facts = store();
  facts.file_error = "Permission denied";
  const CheckLine line = check_store(facts);
  EXPECT_EQ(line.grade, Grade::fail);
  EXPECT_TRUE(has(line.text, "/var/lib/pghangd/pghangd.db cannot be written to: Permission denied")
  );
  EXPECT_TRUE(has(line.fix, "sudo chown pghangd: /var/lib/pghangd/pghangd.db*"));
}

TEST(Checks, AreALineEachAndATotal) {
  const CheckList checks{
      {Grade::ok, "config", "fine", ""},
      {Grade::warn, "user", "root", "sudo"},
      {Grade::fail, "main: role", "absent", "create it"}};
  EXPECT_EQ(
      render_checks(checks),
      "ok    config      fine\n"
      "warn  user        root; fix: sudo\n"
      "FAIL  main: role  absent; fix: create it\n"
      "3 checks: 1 ok, 1 warned, 1 failed\n"
  );
  const std::string json = checks_json(checks);
  EXPECT_TRUE(has(json, R"("failed": 1)"));
  EXPECT_TRUE(has(json, R"("grade": "fail")"));
  EXPECT_TRUE(has(json, R"("fix": null)"));
}

}  // namespace
}  // namespace pghang::doctor
