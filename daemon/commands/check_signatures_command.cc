#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "config/document.h"
#include "config/signatures.h"
#include "daemon/commands/commands.h"
#include "diagnosis/verdict.h"
#include "exporters/bundle/bundle.h"
#include "exporters/bundle/saved_diagnosis.h"

namespace pghang {
namespace {

/// A saved hang, as far as signatures are concerned.
struct Saved {
  std::string file;
  SignatureSubject subject;
};

bool is_catalogue(const std::string& file) {
  return file.ends_with(".yaml") || file.ends_with(".yml");
}

Result<SignatureSubject> read_text(const std::string& file) {
  const auto text = read_regular_file(file);
  if (!text) return text.error();
  if (file.ends_with(".json")) return subject_of_json(*text);
  const auto stack = parse_stack_text(*text);
  if (stack) return subject_of(*stack);
  return Error{
      .code = Errc::malformed,
      .context = "has no frame like `#1 0x753c35 in WaitEventSetWait ()`"};
}

/// By the end of the file's name; what is neither a bundle nor JSON is taken for pstack's text.
Result<SignatureSubject> read_saved(const std::string& file) {
  if (!file.ends_with(kBundleSuffix)) return read_text(file);
  const auto bundle = read_bundle(file);
  if (!bundle) return bundle.error();
  return subject_of(bundle->evidence, diagnose(bundle->evidence));
}

void print_match(const SignatureMatch& match) {
  std::printf(
      "  %s (%s): %s\n",
      match.id.c_str(),
      to_string(match.confidence),
      match.title.c_str()
  );
  if (!match.text.empty()) std::printf("    %s\n", match.text.c_str());
}

void print_matches(const Saved& saved, const SignatureCatalogue& catalogue) {
  const auto matches = catalogue.matches(saved.subject);
  std::printf(
      "%s: %s\n",
      saved.file.c_str(),
      matches.empty()       ? "no signature"
      : matches.size() == 1 ? "1 signature"
                            : "best first"
  );
  for (const SignatureMatch& match : matches)
    print_match(match);
}

/// False when a file has problems; they are printed.
bool check_catalogue(const std::string& file) {
  const LoadedSignatures loaded = load_signatures(file);
  for (const ConfigProblem& problem : loaded.problems)
    std::printf("%s\n", to_string(problem).c_str());
  if (!loaded.ok()) return false;
  const auto count = loaded.signatures.size();
  std::printf("%s: ok: %zu signature%s\n", file.c_str(), count, count == 1 ? "" : "s");
  return true;
}

}  // namespace

ExitCode check_signatures_command(const std::vector<std::string>& files) {
  std::vector<std::string> catalogues;
  std::vector<Saved> hangs;
  bool valid = true;
  bool readable = true;
  for (const std::string& file : files) {
    if (is_catalogue(file)) {
      catalogues.push_back(file);
      valid = check_catalogue(file) && valid;
    } else if (auto subject = read_saved(file)) {
      hangs.push_back({file, *std::move(subject)});
    } else {
      std::fprintf(stderr, "%s: %s\n", file.c_str(), subject.error().context.c_str());
      readable = false;
    }
  }
  if (!valid) return ExitCode::configuration;
  if (!hangs.empty()) {
    const LoadedSignatures known = load_catalogue(catalogues);
    for (const ConfigProblem& problem : known.problems)
      std::printf("%s\n", to_string(problem).c_str());
    if (!known.ok()) return ExitCode::configuration;
    const SignatureCatalogue catalogue(known.signatures);
    for (const Saved& saved : hangs)
      print_matches(saved, catalogue);
  }
  return readable ? ExitCode::done : ExitCode::usage;
}

}  // namespace pghang
