#include "exporters/bundle/bundle.h"

#include "collectors/evidence/archive.h"
#include "tests/fuzz/explain.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"

namespace pghang::fuzz {

void bundle(std::string_view bytes) {
  Input input(bytes);
  if ((input.number<std::uint8_t>() & 1U) == 0) {
    const auto decoded = decode_bundle(input.rest());
    if (decoded) explain(decoded->evidence);
    return;
  }
  Bundle unpacked;
  if (archive::get(input.rest(), unpacked)) explain(unpacked.evidence);
}

}  // namespace pghang::fuzz
