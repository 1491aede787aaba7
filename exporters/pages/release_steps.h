#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "diagnosis/verdict.h"

namespace pghang {

/// A piece of a release step's text.
struct StepPart {
  bool command = false;  ///< to be run as it is; else words
  std::string text;

  friend bool operator==(const StepPart&, const StepPart&) = default;
};

/// `Last resort: pg_ctl restart -m immediate` as the words before the command, and the command.
/// What only looks like one, with a placeholder or a list to pick from, stays words.
[[nodiscard]] std::vector<StepPart> step_parts(std::string_view step);

/// A list of the steps, each with its price, each command with a button that copies it. HTML;
/// nothing for no steps.
[[nodiscard]] std::string release_steps_html(const std::vector<ReleaseStep>& steps);

/// One step, without a list.
[[nodiscard]] std::string release_step_html(const ReleaseStep& step);

}  // namespace pghang
