#include "diagnosis/signature.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <regex>
#include <string_view>
#include <utility>

#include "config/pattern.h"
#include "diagnosis/fingerprint.h"
#include "diagnosis/signature_versions.h"

namespace pghang {
namespace {

/// Verdicts of a process that is not stuck: only a signature that asks for them matches.
constexpr auto kNotStuck =
    std::to_array<std::string_view>({"gone", "making_progress", "not_stuck"});

class CompiledPattern {
 public:
  /// One that does not compile matches nothing; the loader has compiled it once.
  CompiledPattern(const Pattern& pattern, bool ignore_case)
      : text_(pattern.text),
        ignore_case_(ignore_case) {
    if (!pattern.is_regex) return;
    auto compiled = compile_pattern(pattern.text, ignore_case);
    regex_ = compiled ? *compiled : std::regex("$.");
  }

  [[nodiscard]] bool matches(const std::string& value) const {
    if (regex_) return std::regex_search(value, *regex_);
    return ignore_case_ ? strcasecmp(value.c_str(), text_.c_str()) == 0 : value == text_;
  }

 private:
  std::string text_;
  bool ignore_case_;
  std::optional<std::regex> regex_;
};

std::vector<CompiledPattern> compile(const std::vector<Pattern>& patterns, bool ignore_case) {
  std::vector<CompiledPattern> compiled;
  for (const Pattern& pattern : patterns)
    compiled.emplace_back(pattern, ignore_case);
  return compiled;
}

/// Names are compared as the fingerprint sees them: `__libc_open64` is `open`.
std::vector<CompiledPattern> compile_names(std::vector<Pattern> patterns) {
  for (Pattern& pattern : patterns)
    if (!pattern.is_regex) pattern.text = normalised_name(pattern.text);
  return compile(patterns, false);
}

bool is_subsequence(
    const std::vector<CompiledPattern>& wanted,
    const std::vector<std::string>& names
) {
  auto next = wanted.begin();
  for (const std::string& name : names) {
    if (next == wanted.end()) break;
    if (next->matches(name)) ++next;
  }
  return next == wanted.end();
}

bool any_matches(const std::vector<CompiledPattern>& wanted, const std::string& value) {
  return std::ranges::any_of(wanted, [&](const auto& pattern) { return pattern.matches(value); });
}

bool has(const std::vector<std::string>& list, std::string_view value) {
  return std::ranges::find(list, value) != list.end();
}

/// Nothing asked, or nothing known, or one of them.
bool allows(const std::vector<std::string>& asked, const std::string& value) {
  return asked.empty() || value.empty() || has(asked, value);
}

}  // namespace

struct SignatureCatalogue::Compiled {
  explicit Compiled(const Signature& signature)
      : source(signature),
        frames(compile_names(signature.frames)),
        modules(compile(signature.modules, false)),
        wait_events(compile(signature.wait_events, true)) {}

  [[nodiscard]] bool matches(const SignatureSubject& subject) const;
  [[nodiscard]] bool matches_wait_event(const SignatureSubject& subject) const;

  [[nodiscard]] std::size_t criteria() const {
    const auto one = [](const auto& list) -> std::size_t {
      return list.empty() ? 0 : 1;
    };
    return frames.size() + one(modules) + one(wait_events) + one(source.backend_types) +
           one(source.gates) + one(source.causes);
  }

  Signature source;
  std::vector<CompiledPattern> frames;
  std::vector<CompiledPattern> modules;
  std::vector<CompiledPattern> wait_events;
};

bool SignatureCatalogue::Compiled::matches_wait_event(const SignatureSubject& subject) const {
  if (wait_events.empty()) return true;
  // Without the row of pg_stat_activity the stack decides, where the signature has one.
  if (!subject.wait_event) return !frames.empty() || !modules.empty();
  const std::string& event = *subject.wait_event;
  return any_matches(wait_events, event) ||
         any_matches(wait_events, event.substr(std::min(event.find('/') + 1, event.size())));
}

bool SignatureCatalogue::Compiled::matches(const SignatureSubject& subject) const {
  if (source.causes.empty() &&
      std::ranges::find(kNotStuck, std::string_view(subject.cause)) != kNotStuck.end())
    return false;
  if (!allows(source.causes, subject.cause) || !allows(source.gates, subject.gate) ||
      !allows(source.backend_types, subject.backend_type) || !matches_wait_event(subject))
    return false;
  const bool in_module =
      modules.empty() || std::ranges::any_of(subject.modules, [this](const std::string& file) {
        return any_matches(modules, file);
      });
  return in_module && is_subsequence(frames, subject.names);
}

SignatureCatalogue::SignatureCatalogue(const std::vector<Signature>& signatures) {
  std::vector<Compiled> compiled(signatures.begin(), signatures.end());
  // Most specific first, once: so the first that matches is the best.
  std::ranges::stable_sort(compiled, [](const Compiled& a, const Compiled& b) {
    if (a.criteria() != b.criteria()) return a.criteria() > b.criteria();
    return !a.source.affected.empty() && b.source.affected.empty();
  });
  signatures_ = std::make_unique<const std::vector<Compiled>>(std::move(compiled));
}

SignatureCatalogue::SignatureCatalogue(SignatureCatalogue&&) noexcept = default;
SignatureCatalogue& SignatureCatalogue::operator=(SignatureCatalogue&&) noexcept = default;
SignatureCatalogue::~SignatureCatalogue() = default;

std::vector<SignatureMatch> SignatureCatalogue::matches(const SignatureSubject& subject) const {
  std::vector<SignatureMatch> found;
  for (const Compiled& signature : *signatures_) {
    if (!signature.matches(subject)) continue;
    if (auto match = judge_versions(signature.source, subject)) found.push_back(std::move(*match));
  }
  return found;
}

std::optional<SignatureMatch> SignatureCatalogue::best(const SignatureSubject& subject) const {
  for (const Compiled& signature : *signatures_) {
    if (!signature.matches(subject)) continue;
    if (auto match = judge_versions(signature.source, subject)) return match;
  }
  return std::nullopt;
}

}  // namespace pghang
