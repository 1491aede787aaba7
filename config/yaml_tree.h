#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/problems.h"

namespace pghang {

struct YamlEntry;

/// A YAML document as plain values: the order of the file, duplicate keys included. Aliases, tags
/// and more than one document are refused, so the tree is never larger than the text.
struct YamlNode {
  enum class Kind { null, scalar, list, map };

  Kind kind = Kind::null;
  int line = 1;                    ///< 1-based
  std::string text;                ///< of a scalar, quotes removed
  std::vector<YamlNode> items;     ///< of a list
  std::vector<YamlEntry> entries;  ///< of a map
};

struct YamlEntry {
  std::string key;
  int line = 1;
  YamlNode value;
};

/// Deeper nesting is a problem. The deepest place of ours, `rules[].match.state.include[]`, is 6.
inline constexpr int kDeepestYaml = 16;

/// Parses a document; an empty one is null. What is wrong with it goes to `problems`, and then the
/// tree means nothing.
[[nodiscard]] YamlNode parse_yaml(std::string_view text, Problems& problems);

}  // namespace pghang
