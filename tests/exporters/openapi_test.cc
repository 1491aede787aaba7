#include <array>
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "exporters/api.h"
#include "exporters/fingerprints.h"
#include "exporters/openapi_text.h"

namespace pghang {
namespace {

/// `GET /api/v1/status` for each operation under `paths:`.
std::set<std::string> documented_routes() {
  std::set<std::string> routes;
  std::istringstream text{std::string(openapi_text())};
  std::string path;
  bool inside = false;
  for (std::string line; std::getline(text, line);) {
    if (!line.empty() && line.front() != ' ') inside = line == "paths:";
    if (!inside) continue;
    if (line.starts_with("  /")) path = line.substr(2, line.size() - 3);
    if (line == "    get:") routes.insert("GET " + path);
    if (line == "    post:") routes.insert("POST " + path);
  }
  return routes;
}

TEST(Openapi, DocumentsEveryRouteAndNoOther) {
  std::set<std::string> served;
  for (const Route& route : api_routes())
    served.insert(std::string(route.method) + ' ' + std::string(route.path));
  EXPECT_EQ(documented_routes(), served);
}

/// The document with every run of blanks as one space.
std::string flowing() {
  std::string text;
  for (const char c : openapi_text()) {
    const char plain = c == '\n' ? ' ' : c;
    if (plain != ' ' || !text.ends_with(' ')) text += plain;
  }
  return text;
}

/// `enum: [a, b` of the enumerators up to `last`.
template <typename Enum>
std::string listed(Enum last) {
  std::string text = "enum: [";
  for (int i = 0; i <= static_cast<int>(last); ++i)
    text += (i == 0 ? "" : ", ") + std::string(to_string(static_cast<Enum>(i)));
  return text;
}

TEST(Openapi, ListsTheEnumeratorsOfTheCode) {
  const std::string document = flowing();
  for (const std::string& list :
       {listed(Stage::resolved) + ']',
        listed(Outcome::superseded) + ']',
        listed(Source::os) + ']',
        listed(Cause::unknown) + ']',
        listed(Gate::exit) + ']',
        listed(Confidence::possible) + ']',
        listed(FdKind::memfd) + ']',
        listed(CaptureMethod::kernel_only) + ']',
        listed(FrameKind::vdso) + ']',
        listed(RecoveredBy::signal) + ", null]",
        listed(TraceMethod::ptrace) + ']',
        listed(TraceEnd::exited) + ']',
        listed(WaitNodeKind::unknown) + ']',
        listed(WaitEdgeKind::file_lock) + ']',
        listed(FingerprintOrder::latest) + ']'})
    EXPECT_NE(document.find(list), std::string::npos) << list;
}

}  // namespace
}  // namespace pghang
