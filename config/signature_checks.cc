#include "config/signature_checks.h"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace pghang {

namespace {

constexpr std::size_t kLongestId = 63;

/// Ids are metric labels.
std::string id_problem(const std::string& id) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  if (id.empty()) return "is required";
  if (id.find_first_not_of(allowed) != std::string::npos) return "may only have a-z, 0-9, _ and -";
  if (id.size() > kLongestId) return "is longer than " + std::to_string(kLongestId) + " bytes";
  return {};
}

void check_fix(
    const Signature& signature,
    std::size_t index,
    const std::string& key,
    std::vector<Finding>& findings
) {
  const PgVersion fix = signature.fixed_in[index];
  const std::string at = key + ".fixed_in[" + std::to_string(index) + "]";
  for (std::size_t i = 0; i < index; ++i)
    if (signature.fixed_in[i].major == fix.major)
      findings.push_back({at, "is a second fix for " + std::to_string(fix.major)});
  for (const VersionSpan& span : signature.affected) {
    // The last minor of the fix's major that the span has decides.
    const PgVersion last_minor{.major = fix.major, .minor = kEveryMinor};
    if (span.first <= last_minor && fix <= span.last)
      findings.push_back({at, "has the bug by `affected`"});
  }
}

void check_signature(
    const Signature& signature,
    const std::string& key,
    std::vector<Finding>& findings
) {
  if (signature.title.empty()) findings.push_back({key + ".title", "is required"});
  if (signature.references.empty())
    findings.push_back({key + ".references", "is required: say where this is known from"});
  if (signature.frames.empty() && signature.modules.empty() && signature.wait_events.empty())
    findings.push_back({key, "needs `frames`, `module` or `wait_event`: it would match everything"}
    );
  if (!signature.fixed_in.empty() && signature.affected.empty())
    findings.push_back({key + ".fixed_in", "needs `affected`: which versions have the bug"});
  for (std::size_t i = 0; i < signature.fixed_in.size(); ++i)
    check_fix(signature, i, key, findings);
}

}  // namespace

std::vector<Finding> check(const std::vector<Signature>& signatures) {
  std::vector<Finding> findings;
  if (signatures.empty()) findings.push_back({"signatures", "must list at least one"});
  std::map<std::string_view, std::size_t> first;
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    const std::string key = "signatures[" + std::to_string(i) + "]";
    const std::string& id = signatures[i].id;
    if (std::string problem = id_problem(id); !problem.empty())
      findings.push_back({key + ".id", std::move(problem)});
    const auto [before, is_new] = first.emplace(id, i);
    if (!is_new && !id.empty())
      findings.push_back(
          {key + ".id", "is also the id of signatures[" + std::to_string(before->second) + "]"}
      );
    check_signature(signatures[i], key, findings);
  }
  return findings;
}

}  // namespace pghang
