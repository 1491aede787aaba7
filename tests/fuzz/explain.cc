#include "tests/fuzz/explain.h"

#include "config/signatures.h"
#include "diagnosis/fingerprint.h"
#include "diagnosis/report.h"
#include "diagnosis/verdict.h"
#include "exporters/bundle/saved_diagnosis.h"
#include "exporters/json/json.h"
#include "tests/fuzz/input.h"

namespace pghang::fuzz {

void explain(const Evidence& evidence) {
  static const SignatureCatalogue kCatalogue(shipped_signatures().signatures);
  const Verdict verdict = diagnose(evidence, kCatalogue);
  const auto print = fingerprint(evidence.capture.stack);
  const std::string report = render_report(evidence, verdict, print);
  expect(!report.empty() && report.back() == '\n', "a report ends in a newline");
  const std::string json = diagnosis_json(evidence, verdict, print);
  const auto subject = subject_of_json(json);
  expect(subject.has_value(), "diagnosis_json() writes what a JSON parser takes");
}

}  // namespace pghang::fuzz
