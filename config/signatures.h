#pragma once

#include <compare>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "config/loader.h"
#include "config/result.h"
#include "config/settings.h"

/// The catalogue of known causes as values, and its file format (config/signatures.yaml explains
/// every key). What a hit means is decided in diagnosis/.
namespace pghang {

/// A release of PostgreSQL, 10 or later: `15.12`. (Before 10 majors had two numbers.)
struct PgVersion {
  int major = 0;
  int minor = 0;

  // clang-tidy 14 takes the operator for a null pointer.
  // NOLINTNEXTLINE(modernize-use-nullptr)
  friend auto operator<=>(const PgVersion&, const PgVersion&) = default;
};

/// `15.12`
[[nodiscard]] std::string to_string(PgVersion version);

/// Stands for the last minor there will ever be.
inline constexpr int kEveryMinor = std::numeric_limits<int>::max();

/// Releases from `first` to `last`, both included.
struct VersionSpan {
  PgVersion first;
  PgVersion last;

  [[nodiscard]] bool contains(PgVersion version) const {
    return first <= version && version <= last;
  }

  friend bool operator==(const VersionSpan&, const VersionSpan&) = default;
};

/// How sure a hit is.
enum class SignatureConfidence { certain, likely, possible };

[[nodiscard]] const char* to_string(SignatureConfidence confidence);

/// One known cause. Criteria that are empty hold always; the others must all hold.
struct Signature {
  std::string id;     ///< metric label; unique; [a-z0-9_-]+
  std::string title;  ///< one sentence
  /// A subsequence of the stack's exported names, innermost first; others may lie between.
  std::vector<Pattern> frames;
  /// File names; one of them has a frame inside the innermost one of the server itself.
  std::vector<Pattern> modules;
  std::vector<Pattern> wait_events;  ///< `Type/Event` or `Event`, case-insensitive; one of them
  std::vector<std::string> backend_types;  ///< one of them
  std::vector<std::string> gates;          ///< one of kGateNames
  std::vector<std::string> causes;         ///< some of kCauseNames
  std::vector<VersionSpan> affected;       ///< empty: it explains, and claims no bug
  std::vector<PgVersion> fixed_in;         ///< at most one of each major
  std::vector<std::string> references;     ///< commits, bug numbers, documents
  SignatureConfidence confidence = SignatureConfidence::likely;
  std::string advice;  ///< what to do, beyond an upgrade

  friend bool operator==(const Signature&, const Signature&) = default;
};

/// What reading signatures gave; they are meaningful only when `problems` is empty.
struct LoadedSignatures {
  std::vector<Signature> signatures;
  std::vector<ConfigProblem> problems;

  [[nodiscard]] bool ok() const { return problems.empty(); }
};

/// Reads one file, as load_config() does: every problem at once, unknown keys are problems. Blocks
/// on the file system.
[[nodiscard]] LoadedSignatures load_signatures(const std::string& path);

/// The same on text already read; `file` is only used in problems.
[[nodiscard]] LoadedSignatures parse_signatures(std::string_view text, const std::string& file);

/// config/signatures.yaml, which is compiled in: no file is needed at run time.
[[nodiscard]] LoadedSignatures shipped_signatures();

/// What the daemon matches with: the signatures of `files`, in order, then the shipped ones. An own
/// signature replaces the shipped one of the same id. Blocks on the file system.
[[nodiscard]] LoadedSignatures load_catalogue(const std::vector<std::string>& files);

/// `15.12`. The error says what is wrong with it.
[[nodiscard]] Result<PgVersion> parse_pg_version(std::string_view text);

/// `15.0-15.13`, `15.12`, `10.7+` (and later minors), `11` (every minor), `12-14` (these majors).
[[nodiscard]] Result<VersionSpan> parse_version_span(std::string_view text);

}  // namespace pghang
