#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "config/document.h"
#include "config/key_lister.h"
#include "config/nearest.h"
#include "config/pattern.h"
#include "config/section_reader.h"
#include "config/signature_checks.h"
#include "config/signature_words.h"
#include "config/signatures.h"

namespace pghang {

/// config/signatures.yaml, by the build.
std::string_view shipped_signatures_text();

/// A file of signatures.
struct SignatureFile {
  std::vector<Signature> signatures;
};

namespace {

template <std::size_t N>
Result<std::string>
one_of(std::string_view text, const std::array<std::string_view, N>& names, const char* what) {
  if (std::find(names.begin(), names.end(), text) != names.end()) return std::string(text);
  const std::vector<std::string> known(names.begin(), names.end());
  const std::string hint = did_you_mean(text, known);
  return Error{
      .code = Errc::malformed,
      .context =
          std::string("is not a ") + what + (hint.empty() ? "; there are " + ticked(known) : hint)};
}

Result<std::string> parse_gate(std::string_view text) {
  return one_of(text, kGateNames, "gate");
}

Result<std::string> parse_cause(std::string_view text) {
  return one_of(text, kCauseNames, "cause");
}

}  // namespace

// Found by argument-dependent lookup from the visitors, so not in the unnamed namespace.
template <typename Visitor>
void describe(Visitor& v, Signature& signature) {
  v.text("id", signature.id);
  v.text("title", signature.title);
  v.each("frames", signature.frames, parse_pattern);
  v.each("module", signature.modules, parse_pattern);
  v.each("wait_event", signature.wait_events, parse_pattern);
  v.texts("backend_type", signature.backend_types);
  v.each("gate", signature.gates, parse_gate);
  v.each("cause", signature.causes, parse_cause);
  v.each("affected", signature.affected, parse_version_span);
  v.each("fixed_in", signature.fixed_in, parse_pg_version);
  v.texts("references", signature.references);
  v.choice(
      "confidence",
      signature.confidence,
      std::array{
          SignatureConfidence::certain,
          SignatureConfidence::likely,
          SignatureConfidence::possible}
  );
  v.text("advice", signature.advice);
}

template <typename Visitor>
void describe(Visitor& v, SignatureFile& file) {
  v.list("signatures", file.signatures);
}

namespace {

std::vector<std::string> file_keys() {
  std::vector<std::string> keys;
  KeyLister lister("", keys);
  SignatureFile file;
  describe(lister, file);
  return keys;
}

void read_signatures(const YamlNode& root, SignatureFile& file, Problems& problems) {
  const std::vector<std::string> keys = file_keys();
  SectionReader reader({root, "", problems}, keys);
  describe(reader, file);
  reader.finish();
  // What is wrong in itself would be wrong again in company.
  std::vector<Finding> findings = check(file.signatures);
  std::erase_if(findings, [&](const Finding& f) { return problems.any_within(f.key); });
  for (Finding& finding : findings)
    problems.add(finding.key, std::move(finding.message));
}

void append(std::vector<ConfigProblem>& problems, std::vector<ConfigProblem> more) {
  problems.insert(
      problems.end(),
      std::make_move_iterator(more.begin()),
      std::make_move_iterator(more.end())
  );
}

}  // namespace

const char* to_string(SignatureConfidence confidence) {
  switch (confidence) {
    case SignatureConfidence::certain: return "certain";
    case SignatureConfidence::likely: return "likely";
    case SignatureConfidence::possible: return "possible";
  }
  return "possible";
}

LoadedSignatures load_signatures(const std::string& path) {
  const auto text = read_regular_file(path);
  if (text) return parse_signatures(*text, path);
  return {
      .signatures = {},
      .problems = {{.file = path, .line = 0, .key = "", .message = text.error().context}}};
}

LoadedSignatures parse_signatures(std::string_view text, const std::string& file) {
  Problems problems(file);
  SignatureFile content;
  if (const auto root = read_yaml(text, problems)) read_signatures(*root, content, problems);
  return {.signatures = std::move(content.signatures), .problems = problems.take()};
}

LoadedSignatures shipped_signatures() {
  return parse_signatures(shipped_signatures_text(), "signatures.yaml (compiled in)");
}

LoadedSignatures load_catalogue(const std::vector<std::string>& files) {
  LoadedSignatures catalogue;
  std::map<std::string, std::string> home;  // of each id
  for (const std::string& file : files) {
    LoadedSignatures own = load_signatures(file);
    append(catalogue.problems, std::move(own.problems));
    for (Signature& signature : own.signatures) {
      const auto [before, is_new] = home.emplace(signature.id, file);
      if (is_new) {
        catalogue.signatures.push_back(std::move(signature));
      } else if (before->second != file) {
        catalogue.problems.push_back(
            {.file = file,
             .line = 0,
             .key = "",
             .message = "the id `" + signature.id + "` is also in " + before->second}
        );
      }
    }
  }
  LoadedSignatures shipped = shipped_signatures();
  append(catalogue.problems, std::move(shipped.problems));
  for (Signature& signature : shipped.signatures)
    if (!home.contains(signature.id)) catalogue.signatures.push_back(std::move(signature));
  return catalogue;
}

}  // namespace pghang
