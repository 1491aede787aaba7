#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/loader.h"

namespace pghang::test {

/// The problems of a file with this text, as the commands print them.
inline std::vector<std::string> problems_of(std::string_view text) {
  std::vector<std::string> lines;
  for (const ConfigProblem& problem : parse_config(text, "f").problems)
    lines.push_back(to_string(problem));
  return lines;
}

/// The settings of a file with this text, which has no problems; the defaults where it has.
inline Settings settings_of(std::string_view text) {
  LoadedConfig loaded = parse_config(text, "f");
  return loaded.ok() ? loaded.settings : default_settings();
}

using Lines = std::vector<std::string>;

}  // namespace pghang::test
