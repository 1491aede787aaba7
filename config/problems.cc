#include "config/problems.h"

#include <algorithm>
#include <utility>

namespace pghang {

namespace {

bool is_within(std::string_view key, std::string_view outer) {
  if (!key.starts_with(outer)) return false;
  return key.size() == outer.size() || key[outer.size()] == '.' || key[outer.size()] == '[';
}

}  // namespace

Problems::Problems(std::string file) : file_(std::move(file)) {}

void Problems::locate(const std::string& key, int line) {
  lines_.emplace(key, line);
}

void Problems::add(const std::string& key, std::string message) {
  add_at(line_of(key), key, std::move(message));
}

void Problems::add_at(int line, std::string key, std::string message) {
  if (problems_.size() >= kMost) {
    dropped_ = true;
    return;
  }
  problems_.push_back(
      {.file = file_, .line = line, .key = std::move(key), .message = std::move(message)}
  );
}

bool Problems::any_within(std::string_view key) const {
  return std::any_of(problems_.begin(), problems_.end(), [key](const ConfigProblem& problem) {
    return is_within(problem.key, key);
  });
}

std::vector<ConfigProblem> Problems::take() {
  std::stable_sort(
      problems_.begin(),
      problems_.end(),
      [](const ConfigProblem& a, const ConfigProblem& b) { return a.line < b.line; }
  );
  if (dropped_) {
    problems_.push_back(
        {.file = file_, .line = 0, .key = "", .message = "more problems are not shown"}
    );
  }
  return std::exchange(problems_, {});
}

int Problems::line_of(std::string key) const {
  while (true) {
    if (const auto found = lines_.find(key); found != lines_.end()) return found->second;
    const std::size_t cut = key.find_last_of(".[");
    if (cut == std::string::npos) return 1;
    key.erase(cut);
  }
}

}  // namespace pghang
