#include "tests/collectors/stack/fixture.h"

namespace pghang::test {

const char* const kFixtureRoot = PGHANG_SOURCE_DIR "/tests/fixtures/stacks";

}  // namespace pghang::test
