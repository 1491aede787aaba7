#include "config/checks.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string_view>
#include <utility>

#include "config/units.h"

namespace pghang {

std::string element(const std::string& list, std::size_t index) {
  return list + "[" + std::to_string(index) + "]";
}

namespace {

constexpr std::size_t kLongestName = 63;

/// Names are metric labels, and parts of URLs and file names one day.
void check_name(const std::string& name, const std::string& key, std::vector<Finding>& findings) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  if (name.empty()) {
    findings.push_back({key, "is required"});
  } else if (name.find_first_not_of(allowed) != std::string::npos) {
    findings.push_back({key, "may only have a-z, 0-9, _ and -"});
  } else if (name.size() > kLongestName) {
    findings.push_back({key, "is longer than " + std::to_string(kLongestName) + " bytes"});
  }
}

template <typename Named>
void check_names(
    const std::vector<Named>& list,
    const std::string& key,
    std::vector<Finding>& findings
) {
  std::map<std::string_view, std::size_t> first;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string name_key = element(key, i) + ".name";
    check_name(list[i].name, name_key, findings);
    const auto [before, is_new] = first.emplace(list[i].name, i);
    if (!is_new && !list[i].name.empty())
      findings.push_back({name_key, "is also the name of " + element(key, before->second)});
  }
}

/// What is wrong with a rule by itself comes first.
void check_sound_rules_for_shadows(
    const std::vector<Rule>& rules,
    const std::string& key,
    std::vector<Finding>& findings
) {
  std::vector<Finding> shadows;
  check_shadows(rules, key, shadows);
  for (Finding& shadow : shadows) {
    const std::string rule_key = shadow.key.substr(0, shadow.key.rfind('.') + 1);
    const bool is_sound = std::none_of(findings.begin(), findings.end(), [&](const Finding& each) {
      return each.key.starts_with(rule_key);
    });
    if (is_sound) findings.push_back(std::move(shadow));
  }
}

void check_query_text(
    const std::vector<Rule>& rules,
    const std::string& key,
    std::vector<Finding>& findings
) {
  for (std::size_t i = 0; i < rules.size(); ++i)
    if (!rules[i].match.query.include.empty())
      findings.push_back(
          {element(key, i) + ".match.query",
           "matches nothing: `polling.query_text_bytes` is 0, so that no text is fetched"}
      );
}

void check_rules(
    const std::vector<Rule>& rules,
    const std::string& key,
    const Settings& settings,
    std::vector<Finding>& findings
) {
  check_names(rules, key, findings);
  for (std::size_t i = 0; i < rules.size(); ++i)
    check_rule(rules[i], element(key, i), findings);
  check_sound_rules_for_shadows(rules, key, findings);
  if (settings.polling.query_text_bytes == 0) check_query_text(rules, key, findings);
}

void check_sampling(const Sampling& sampling, std::vector<Finding>& findings) {
  const Duration needed = sampling.samples * sampling.interval + sampling.stop_deadline;
  if (sampling.deadline > needed) return;
  findings.push_back(
      {"sampling.deadline",
       "must be longer than samples * interval + stop_deadline, which is " +
           format_duration(needed)}
  );
}

/// The daemon's working directory is nobody's business.
void check_signature_files(const SignatureFiles& signatures, std::vector<Finding>& findings) {
  for (std::size_t i = 0; i < signatures.files.size(); ++i)
    if (!signatures.files[i].starts_with('/'))
      findings.push_back({element("signatures.files", i), "must be an absolute path"});
}

void check_store(const StoreSettings& store, std::vector<Finding>& findings) {
  const std::string& file = store.file;
  if (file.empty() || file.starts_with('/') || file.starts_with("${STATE_DIRECTORY}/")) return;
  findings.push_back({"store.file", "must be an absolute path, or start with ${STATE_DIRECTORY}/"});
}

/// They go to libdebuginfod in one variable, separated by spaces. It knows file:// too, and would
/// read whatever is there.
void check_symbols(const Symbols& symbols, std::vector<Finding>& findings) {
  for (std::size_t i = 0; i < symbols.debuginfod_urls.size(); ++i)
    if (!is_web_address(symbols.debuginfod_urls[i]))
      findings.push_back(
          {element("symbols.debuginfod_urls", i),
           "must be http://... or https://..., without spaces"}
      );
}

}  // namespace

bool is_web_address(const std::string& text) {
  const bool schema = text.starts_with("http://") || text.starts_with("https://");
  constexpr std::string_view white = " \t\r\n";
  return schema && text.find_first_of(white) == std::string::npos;
}

std::vector<Finding> check(const Settings& settings) {
  std::vector<Finding> findings;
  if (settings.targets.empty()) findings.push_back({"targets", "must name at least one server"});
  check_names(settings.targets, "targets", findings);
  for (std::size_t i = 0; i < settings.targets.size(); ++i)
    check_target(settings.targets[i], element("targets", i), findings);
  for (std::size_t i = 0; i < settings.targets.size(); ++i) {
    if (settings.targets[i].rules)
      check_rules(*settings.targets[i].rules, element("targets", i) + ".rules", settings, findings);
  }
  check_rules(settings.rules, "rules", settings, findings);
  check_sampling(settings.sampling, findings);
  check_web(settings.web, findings);
  check_signature_files(settings.signatures, findings);
  check_symbols(settings.symbols, findings);
  check_store(settings.store, findings);
  check_names(settings.protect, "protect", findings);
  for (std::size_t i = 0; i < settings.protect.size(); ++i) {
    const std::uint32_t bytes = settings.polling.query_text_bytes;
    check_protection(settings.protect[i], element("protect", i), bytes, findings);
  }
  return findings;
}

}  // namespace pghang
