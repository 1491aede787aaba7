#include "config/schema.h"

#include "config/key_lister.h"

namespace pghang {

std::vector<std::string> schema_keys() {
  std::vector<std::string> keys;
  KeyLister lister("", keys);
  Settings settings;
  describe(lister, settings);
  return keys;
}

}  // namespace pghang
