#include "config/checks.h"

namespace pghang {

namespace {

/// Enough of a statement to tell what it is, behind a comment too.
constexpr std::uint32_t kTellingBytes = 128;

}  // namespace

void check_protection(
    const Protection& protection,
    const std::string& key,
    std::uint32_t query_text_bytes,
    std::vector<Finding>& findings
) {
  if (protection.match == ProtectMatch{})
    findings.push_back({key + ".match", "is empty: it would protect every backend; set a criterion"}
    );
  if (!protection.match.query.empty() && query_text_bytes < kTellingBytes)
    findings.push_back(
        {key + ".match.query",
         "needs the text: set polling.query_text_bytes to " + std::to_string(kTellingBytes) +
             " at least"}
    );
}

}  // namespace pghang
