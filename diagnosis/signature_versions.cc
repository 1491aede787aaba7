#include "diagnosis/signature_versions.h"

#include <algorithm>
#include <string>

#include "diagnosis/text.h"

namespace pghang {
namespace {

constexpr std::string_view kFixedHere = "fixed in {fix}; this server runs {version}";
constexpr std::string_view kFixedLater =
    "fixed in {fix}, not in {major}; this server runs {version}";
constexpr std::string_view kNotFixed = "no fix is listed for {major}; this server runs {version}";
constexpr std::string_view kPerhaps =
    "fixed in {fix}; it may be this bug if this server is older than {fix}";
constexpr std::string_view kPerhapsLater =
    "fixed in {fix}, not in {major}; it may be this bug: this server's minor version is not known";
constexpr std::string_view kPerhapsOneOf =
    "fixed in {fixes}; it may be this bug if this server is older than the fix of its major "
    "version";
constexpr std::string_view kPerhapsNotFixed =
    "no fix is listed; it may be this bug: this server's version is not known";

constexpr std::string_view kUpgrade = "Upgrade to {fix} or later.";
constexpr std::string_view kUpgradePerhaps = "If it is older, upgrade to {fix} or later.";

/// The fix of the major itself, else that of the nearest later one.
const PgVersion* fix_for(const Signature& signature, int major) {
  const PgVersion* nearest = nullptr;
  for (const PgVersion& fix : signature.fixed_in)
    if (fix.major >= major && (nearest == nullptr || fix < *nearest)) nearest = &fix;
  return nearest;
}

bool may_be_affected(const Signature& signature, const SignatureSubject& subject) {
  return std::ranges::any_of(signature.affected, [&subject](const VersionSpan& span) {
    if (subject.version) return span.contains(*subject.version);
    return !subject.major ||
           (span.first.major <= *subject.major && *subject.major <= span.last.major);
  });
}

std::string list(std::vector<PgVersion> versions) {
  std::ranges::sort(versions, [](PgVersion a, PgVersion b) { return a < b; });
  std::vector<std::string> words;
  for (const PgVersion version : versions)
    words.push_back(to_string(version));
  return text::join(words);
}

std::string_view words_for(const SignatureSubject& subject, const PgVersion* fix) {
  if (subject.version) {
    if (fix == nullptr) return kNotFixed;
    return fix->major == subject.version->major ? kFixedHere : kFixedLater;
  }
  if (fix == nullptr) return kPerhapsNotFixed;
  return fix->major == subject.major ? kPerhaps : kPerhapsLater;
}

std::string joined(std::string first, const std::string& second) {
  if (!first.empty() && !second.empty()) first += ' ';
  return first + second;
}

/// A claim about a server whose major version is known.
void claim_for_major(
    const Signature& signature,
    const SignatureSubject& subject,
    int major,
    SignatureMatch& match
) {
  const PgVersion* const fix = fix_for(signature, major);
  text::Values values{{"major", std::to_string(major)}};
  if (subject.version) values["version"] = to_string(*subject.version);
  if (fix != nullptr) {
    match.fixed_in = to_string(*fix);
    values["fix"] = match.fixed_in;
    const bool known = match.claim == BugClaim::known;
    match.advice = joined(text::expand(known ? kUpgrade : kUpgradePerhaps, values), match.advice);
  }
  match.text = text::expand(words_for(subject, fix), values);
}

}  // namespace

std::optional<SignatureMatch>
judge_versions(const Signature& signature, const SignatureSubject& subject) {
  SignatureMatch match;
  match.id = signature.id;
  match.title = signature.title;
  match.references = signature.references;
  match.confidence = signature.confidence;
  match.advice = signature.advice;
  if (signature.affected.empty()) return match;
  if (!may_be_affected(signature, subject)) return std::nullopt;
  match.claim = subject.version ? BugClaim::known : BugClaim::possible;
  if (subject.major) {
    claim_for_major(signature, subject, *subject.major, match);
  } else if (signature.fixed_in.empty()) {
    match.text = std::string(kPerhapsNotFixed);
  } else {
    match.text = text::expand(kPerhapsOneOf, {{"fixes", list(signature.fixed_in)}});
  }
  return match;
}

}  // namespace pghang
