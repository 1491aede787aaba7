#include "config/loader.h"

#include "config/checks.h"
#include "config/document.h"
#include "config/problems.h"
#include "config/schema.h"
#include "config/section_reader.h"

namespace pghang {

namespace {

void read_settings(const YamlNode& root, Settings& settings, Problems& problems) {
  const std::vector<std::string> schema = schema_keys();
  SectionReader reader({root, "", problems}, schema);
  describe(reader, settings);
  reader.finish();
  // What is wrong in itself would be wrong again in company.
  std::vector<Finding> findings = check(settings);
  std::erase_if(findings, [&](const Finding& f) { return problems.any_within(f.key); });
  for (Finding& finding : findings)
    problems.add(finding.key, std::move(finding.message));
}

}  // namespace

std::string to_string(const ConfigProblem& problem) {
  std::string text = problem.file + ":";
  if (problem.line > 0) text += std::to_string(problem.line) + ":";
  if (!problem.key.empty()) text += " " + problem.key + ":";
  return text + " " + problem.message;
}

LoadedConfig load_config(const std::string& path) {
  const auto text = read_regular_file(path);
  if (text) return parse_config(*text, path);
  return {
      .settings = default_settings(),
      .problems = {{.file = path, .line = 0, .key = "", .message = text.error().context}},
      .warnings = {}};
}

LoadedConfig parse_config(std::string_view text, const std::string& file) {
  LoadedConfig loaded{.settings = default_settings(), .problems = {}, .warnings = {}};
  Problems problems(file);
  if (const auto root = read_yaml(text, problems)) read_settings(*root, loaded.settings, problems);
  loaded.problems = problems.take();
  if (!loaded.ok()) return loaded;
  for (Finding& finding : warnings_of(loaded.settings))
    problems.add(finding.key, "warning: " + std::move(finding.message));
  loaded.warnings = problems.take();
  return loaded;
}

}  // namespace pghang
