#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/signatures.h"
#include "diagnosis/signature_subject.h"

namespace pghang {

/// What a signature says of the server's release.
enum class BugClaim {
  none,      ///< it explains; it names no bug
  possible,  ///< a bug that has a fix, and the server's release is not known
  known,     ///< the server's release has the bug
};

/// A known cause that the evidence matches.
struct SignatureMatch {
  std::string id;
  std::string title;
  BugClaim claim = BugClaim::none;
  std::string fixed_in;  ///< of this server's major, else the next major's; may be empty
  std::string text;      ///< `fixed in 15.14; this server runs 15.12`; empty without a claim
  std::string advice;    ///< the upgrade first; may be empty
  std::vector<std::string> references;
  SignatureConfidence confidence = SignatureConfidence::likely;

  friend bool operator==(const SignatureMatch&, const SignatureMatch&) = default;
};

/// Signatures, compiled. Matching is pure and deterministic. A signature with `affected` releases
/// never matches a server that runs another one: past the fix it is not this bug.
class SignatureCatalogue {
 public:
  explicit SignatureCatalogue(const std::vector<Signature>& signatures);
  SignatureCatalogue(const SignatureCatalogue&) = delete;
  SignatureCatalogue& operator=(const SignatureCatalogue&) = delete;
  SignatureCatalogue(SignatureCatalogue&&) noexcept;
  SignatureCatalogue& operator=(SignatureCatalogue&&) noexcept;
  ~SignatureCatalogue();

  /// All that match, most specific first: by the number of criteria (each frame counts), then
  /// those that name a bug, then in the catalogue's order.
  [[nodiscard]] std::vector<SignatureMatch> matches(const SignatureSubject& subject) const;

  /// The first of them.
  [[nodiscard]] std::optional<SignatureMatch> best(const SignatureSubject& subject) const;

 private:
  struct Compiled;
  std::unique_ptr<const std::vector<Compiled>> signatures_;
};

}  // namespace pghang
