#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "collectors/evidence/capture.h"
#include "collectors/sampler/protocol.h"
#include "collectors/stack/snapshot.h"

/// What passes between a worker and its capture child.
namespace pghang::sampler {

/// What a capture child is to do. It inherits this by fork.
struct ChildTask {
  enum class Kind {
    mappings,     ///< only say what is mapped (prewarm)
    capture,      ///< look at the process
    stop_only,    ///< take one stack by ptrace_stop, nothing else
    kernel_only,  ///< look without touching its memory, which did not answer before
    survey,       ///< look at the other processes of its cluster instead
    glance,       ///< take one sample without a stack, nothing else
  };

  Kind kind = Kind::capture;
  CaptureRequest request;
  /// Answer with need_modules when a module of the target is not known yet.
  bool ask_for_modules = true;
  pid_t postmaster = 0;      ///< for a survey: whose children make up the cluster
  bool prove_local = false;  ///< for a glance: as in GlanceRequest
  bool flags = true;         ///< for a glance: with its interrupt flags
};

/// What a capture child found. Wire format of the pipe to the worker: an aggregate of values only.
struct ChildReport {
  std::optional<CaptureFailure> failure;  ///< then nothing else is meaningful
  bool need_modules = false;              ///< then only key and mappings are
  std::vector<Mapping> mappings;
  Capture capture;  ///< without its stack
  /// Different stacks, as taken; their own `mappings` are left empty.
  std::vector<StackSnapshot> stacks;
  /// For each sample its index in `stacks`, plus 1; 0: none taken. As many as capture.samples.
  std::vector<std::uint32_t> stack_of_sample;
  bool stopped_target = false;  ///< a stop was tried: for a better stack no other one is
  /// On the wire `mappings` is empty. It is the number of them in the worker's MappingsMemo as it
  /// was at the fork, or else the text to parse.
  std::uint32_t known_maps = 0;
  std::string maps;
  std::optional<bool> statement_runs;  ///< as in Glance
};

/// A longer report is a broken one.
inline constexpr std::size_t kMaxReportBytes = 16U << 20U;

}  // namespace pghang::sampler
