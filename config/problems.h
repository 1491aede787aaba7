#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/loader.h"

namespace pghang {

/// Collects what is wrong with one file, and knows on which line each key stands. Keys are dotted
/// paths as in ConfigProblem.
class Problems {
 public:
  /// More are dropped: nobody reads them, and a hostile file could have a hundred thousand.
  static constexpr std::size_t kMost = 100;

  explicit Problems(std::string file);

  /// Remembers where `key` stands. The first place wins.
  void locate(const std::string& key, int line);

  /// Knows the places that `other` knows.
  void locate_like(const Problems& other) { lines_ = other.lines_; }

  /// Adds a problem at the line of `key`, or of the nearest key above it that was located.
  void add(const std::string& key, std::string message);
  void add_at(int line, std::string key, std::string message);

  [[nodiscard]] bool empty() const { return problems_.empty(); }

  /// Whether `key`, or something inside it, already has a problem.
  [[nodiscard]] bool any_within(std::string_view key) const;

  /// All of them, by line.
  [[nodiscard]] std::vector<ConfigProblem> take();

 private:
  [[nodiscard]] int line_of(std::string key) const;

  std::string file_;
  std::map<std::string, int> lines_;
  std::vector<ConfigProblem> problems_;
  bool dropped_ = false;
};

}  // namespace pghang
