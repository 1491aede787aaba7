#include "daemon/commands/print_diagnosis.h"

#include <cstdio>

#include "config/signatures.h"
#include "diagnosis/fingerprint.h"
#include "diagnosis/report.h"
#include "diagnosis/verdict.h"
#include "exporters/json/json.h"

namespace pghang {

void print_diagnosis(const Evidence& evidence, bool json) {
  const SignatureCatalogue catalogue(shipped_signatures().signatures);
  const Verdict verdict = diagnose(evidence, catalogue);
  const auto print = fingerprint(evidence.capture.stack);
  if (json) {
    std::printf("%s\n", diagnosis_json(evidence, verdict, print).c_str());
  } else {
    std::fputs(render_report(evidence, verdict, print).c_str(), stdout);
  }
}

}  // namespace pghang
