#include <cstdio>
#include <string>

#include "daemon/commands/commands.h"
#include "daemon/commands/print_diagnosis.h"
#include "exporters/bundle/bundle.h"

namespace pghang {

ExitCode replay_command(const ReplayOptions& options) {
  bool failed = false;
  for (const std::string& file : options.files) {
    const auto bundle = read_bundle(file);
    if (!bundle) {
      std::fprintf(
          stderr,
          "pghangd: %s: %s\n",
          to_string(bundle.error().code),
          bundle.error().context.c_str()
      );
      failed = true;
      continue;
    }
    if (options.files.size() > 1 && !options.json) std::printf("== %s\n", file.c_str());
    print_diagnosis(bundle->evidence, options.json);
  }
  return failed ? ExitCode::no_result : ExitCode::done;
}

}  // namespace pghang
