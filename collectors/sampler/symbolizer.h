#pragma once

#include <chrono>
#include <vector>

#include "collectors/evidence/capture.h"
#include "collectors/sampler/debug_fetcher.h"
#include "collectors/sampler/helper_filters.h"
#include "collectors/sampler/protocol.h"
#include "collectors/stack/module_cache.h"
#include "collectors/stack/snapshot.h"
#include "collectors/stack/source_lines.h"

namespace pghang::sampler {

/// Until when a child may work, and until when its death is waited for.
struct SymbolBudget {
  std::chrono::steady_clock::time_point kill_at;
  std::chrono::steady_clock::time_point give_up_at;
};

/// What it took.
struct SymbolCosts {
  double cpu_micros = 0;  ///< of child processes
  bool stuck = false;     ///< one of them did not die of SIGKILL
};

/// Source lines, inlined functions and downloaded debug files: what a capture is complete without.
/// DWARF is read by a forked child, at most for kLookUpBudget: libdw unpacks far more than the
/// worker is to hold, and a file that makes it loop or crash costs the lines only.
class Symbolizer {
 public:
  /// `keeper_socket` as run_forked() takes it.
  Symbolizer(ModuleCache& modules, int keeper_socket, const HelperFilters& filters)
      : modules_(modules),
        keeper_socket_(keeper_socket),
        filters_(filters),
        downloads_(DebugFetcher::timeout_from_environment(), filters.fetch) {}

  /// Adds what there is to the frames of `capture`, whose stack was taken from `snapshot`. Asks for
  /// debug files that are not here, and waits for them only as long as the request allows. What
  /// could not be looked up in time is in `missing`, and not tried again if it had all of
  /// kLookUpBudget.
  [[nodiscard]] SymbolCosts add(
      Capture& capture,
      const StackSnapshot& snapshot,
      const std::vector<Mapping>& mappings,
      const CaptureRequest& request,
      SymbolBudget budget
  );

  [[nodiscard]] const DebugFetcher& downloads() const { return downloads_; }

  /// Takes what was downloaded; true when a module got richer by it. Never blocks on the network.
  bool take_downloads();

  static constexpr std::chrono::milliseconds kLookUpBudget{1000};

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] bool wait_for_downloads(Clock::time_point until);
  [[nodiscard]] SymbolCosts
  look_up_new(const std::vector<CodeSite>& sites, Capture& capture, SymbolBudget budget);

  ModuleCache& modules_;
  int keeper_socket_;
  const HelperFilters& filters_;
  SourceCache sources_;
  DebugFetcher downloads_;
};

}  // namespace pghang::sampler
