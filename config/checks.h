#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/settings.h"

namespace pghang {

/// One thing about settings that cannot be right although every value by itself has the right kind
/// and range.
struct Finding {
  std::string key;  ///< as in ConfigProblem
  std::string message;

  friend bool operator==(const Finding&, const Finding&) = default;
};

/// The key of one element of a list: `rules[2]`.
[[nodiscard]] std::string element(const std::string& list, std::size_t index);

/// Pure: knows nothing of files. Never repeats a connection string.
[[nodiscard]] std::vector<Finding> check(const Settings& settings);

/// What is allowed, and is probably not meant. For settings that pass check().
[[nodiscard]] std::vector<Finding> warnings_of(const Settings& settings);

/// `http://...` or `https://...` without white space.
[[nodiscard]] bool is_web_address(const std::string& text);

/// Why a URL cannot be the start of links, or empty: http or https, nothing after its path.
[[nodiscard]] std::string web_address_fault(const std::string& url);

/// By the part of the settings; `key` is where it stands.
void check_rule(const Rule& rule, const std::string& key, std::vector<Finding>& findings);
/// Criteria that can never hold together: the rule would match nothing, for ever.
void check_contradictions(const Rule& rule, const std::string& key, std::vector<Finding>& findings);
/// Rules of which an earlier one takes every backend.
void check_shadows(
    const std::vector<Rule>& rules,
    const std::string& key,  ///< of the list
    std::vector<Finding>& findings
);
void check_target(const Target& target, const std::string& key, std::vector<Finding>& findings);
void check_web(const Web& web, std::vector<Finding>& findings);
/// `query_text_bytes`: of the polling.
void check_protection(
    const Protection& protection,
    const std::string& key,
    std::uint32_t query_text_bytes,
    std::vector<Finding>& findings
);

}  // namespace pghang
