#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/problems.h"
#include "config/result.h"
#include "config/yaml_tree.h"

namespace pghang {

/// Bytes of the largest file that is read.
inline constexpr std::size_t kLargestFile = 1U << 20U;

/// The text of a regular file. At most a little more than kLargestFile is read, so that read_yaml()
/// can refuse it. Blocks on the file system.
[[nodiscard]] Result<std::string> read_regular_file(const std::string& path);

/// The tree of a document. What is wrong with it goes to `problems`; then there is none.
[[nodiscard]] std::optional<YamlNode> read_yaml(std::string_view text, Problems& problems);

}  // namespace pghang
