#include "config/loader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "config/checks.h"
#include "config/encoding.h"
#include "config/problems.h"
#include "config/result.h"
#include "config/schema.h"
#include "config/section_reader.h"
#include "config/yaml_tree.h"

namespace pghang {

namespace {

constexpr std::size_t kLargestFile = 1U << 20U;

Error failure(const char* what, int error) {
  return {
      .code = Errc::io,
      .context = std::string(what) + ": " + std::generic_category().message(error)};
}

Result<std::string> read_all(int fd) {
  struct stat status {};

  if (fstat(fd, &status) != 0) return failure("cannot be read", errno);
  if (!S_ISREG(status.st_mode)) return Error{.code = Errc::io, .context = "is not a regular file"};
  std::string text;
  std::array<char, 16384> chunk{};
  while (text.size() <= kLargestFile) {
    const ssize_t got = read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure("cannot be read", errno);
    if (got == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return text;
}

Result<std::string> read_file(const std::string& path) {
  // O_NONBLOCK: opening a FIFO would wait for its writer.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return failure("cannot be opened", errno);
  auto text = read_all(fd);
  close(fd);
  return text;
}

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
  const auto text = read_file(path);
  if (text) return parse_config(*text, path);
  return {
      .settings = default_settings(),
      .problems = {{.file = path, .line = 0, .key = "", .message = text.error().context}}};
}

LoadedConfig parse_config(std::string_view text, const std::string& file) {
  LoadedConfig loaded{.settings = default_settings(), .problems = {}};
  Problems problems(file);
  if (text.size() > kLargestFile) {
    problems.add_at(0, "", "is larger than 1 MiB");
  } else if (const auto bad = find_bad_byte(text)) {
    problems.add_at(bad->line, "", bad->why);
  } else {
    const YamlNode root = parse_yaml(text, problems);
    if (problems.empty()) read_settings(root, loaded.settings, problems);
  }
  loaded.problems = problems.take();
  return loaded;
}

}  // namespace pghang
