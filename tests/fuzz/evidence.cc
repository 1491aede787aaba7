#include "collectors/evidence/archive.h"
#include "tests/fuzz/explain.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"

namespace pghang::fuzz {

void evidence(std::string_view bytes) {
  Input input(bytes);
  Evidence evidence;
  input.get(evidence);
  explain(evidence);
  std::string archived;
  archive::put(archived, evidence);
  Evidence again;
  expect(archive::get(archived, again), "an archived value can be read");
  std::string repeated;
  archive::put(repeated, again);
  expect(repeated == archived, "an archived value is read as it was");
}

}  // namespace pghang::fuzz
