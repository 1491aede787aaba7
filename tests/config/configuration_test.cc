#include "config/configuration.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

/// The configuration file and the signature files that it names.
namespace pghang {
namespace {

class ConfigurationFiles : public testing::Test {
 public:
  ConfigurationFiles(const ConfigurationFiles&) = delete;
  ConfigurationFiles& operator=(const ConfigurationFiles&) = delete;

  ~ConfigurationFiles() override { std::filesystem::remove_all(folder_); }

 protected:
  ConfigurationFiles() {
    std::string name = (std::filesystem::temp_directory_path() / "pghang_sig_XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) folder_ = name;
  }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }

  /// A signature file with one entry.
  std::string signature(const std::string& name, const std::string& id) {
    return write(name, "signatures: [{id: " + id + ", title: own, references: r, frames: f}]\n");
  }

  /// A configuration file that names these.
  std::string config(const std::vector<std::string>& files) {
    std::string text = "signatures:\n  files:\n";
    for (const std::string& file : files)
      text += "    - " + file + "\n";
    return write("pghangd.yaml", text);
  }

 private:
  std::filesystem::path folder_;
};

const Signature* find(const Configuration& configuration, const std::string& id) {
  const auto found = std::ranges::find(configuration.signatures, id, &Signature::id);
  return found == configuration.signatures.end() ? nullptr : &*found;
}

TEST_F(ConfigurationFiles, AreNotNeeded) {
  const Configuration built_in = load_configuration("");
  EXPECT_TRUE(built_in.ok());
  EXPECT_EQ(built_in.settings, default_settings());
  EXPECT_EQ(built_in.signatures, shipped_signatures().signatures);
}

TEST_F(ConfigurationFiles, AddSignaturesBeforeTheShippedOnes) {
  const Configuration loaded = load_configuration(config({signature("s.yaml", "mine")}));
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded.signatures.front().id, "mine");
  EXPECT_EQ(loaded.signatures.size(), shipped_signatures().signatures.size() + 1);
}

TEST_F(ConfigurationFiles, ReplaceAShippedSignatureOfTheSameId) {
  const Configuration loaded = load_configuration(config({signature("s.yaml", "lwlock-wait")}));
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(find(loaded, "lwlock-wait")->title, "own");
  EXPECT_EQ(loaded.signatures.size(), shipped_signatures().signatures.size());
}

TEST_F(ConfigurationFiles, AreReportedByTheirOwnNameAndLine) {
  const std::string bad = write("s.yaml", "signatures:\n  - id: x\n    frames: /(\n");
  const Configuration loaded = load_configuration(config({bad, bad + ".absent"}));
  ASSERT_EQ(loaded.problems.size(), 4U);
  EXPECT_EQ(to_string(loaded.problems[0]), bad + ":2: signatures[0].title: is required");
  EXPECT_EQ(loaded.problems[2].line, 3);
  EXPECT_EQ(
      to_string(loaded.problems[3]),
      bad + ".absent: cannot be opened: No such file or directory"
  );
}

TEST_F(ConfigurationFiles, MayNotHaveTheSameIdTwice) {
  const std::string one = signature("1.yaml", "mine");
  const std::string two = signature("2.yaml", "mine");
  const Configuration loaded = load_configuration(config({one, two}));
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_EQ(to_string(loaded.problems[0]), two + ": the id `mine` is also in " + one);
}

TEST_F(ConfigurationFiles, AreNamedByAbsolutePaths) {
  const std::string path = config({"own.yaml"});
  const Configuration loaded = load_configuration(path);
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_EQ(
      to_string(loaded.problems[0]),
      path + ":3: signatures.files[0]: must be an absolute path"
  );
}

}  // namespace
}  // namespace pghang
