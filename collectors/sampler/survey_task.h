#pragma once

#include <optional>
#include <string>

#include "collectors/evidence/server_survey.h"
#include "collectors/process/procfs.h"
#include "collectors/sampler/interrupt_variables.h"
#include "collectors/sampler/protocol.h"
#include "collectors/stack/module_cache.h"

/// What a capture child does for a survey.
namespace pghang::sampler {

/// How it is to look.
struct SurveyTask {
  SurveyRequest request;
  bool ask_for_modules = true;  ///< answer with need_modules when the server's are not known yet
  bool with_memory = true;      ///< false: the memory of one of them did not answer before
};

/// What it found. Wire format of the pipe to the worker: an aggregate of values only.
struct SurveyReport {
  std::optional<CaptureFailure> failure;  ///< then nothing else is meaningful
  bool need_modules = false;              ///< then only the next two are
  pid_t mapped = 0;                       ///< whose mappings they are
  std::string maps;                       ///< /proc/PID/maps
  ServerSurvey survey;
};

/// Looks at the postmaster and its children; where the postmaster has ended, at the processes whose
/// PostmasterPid still names it. Failures: not_found, unsupported (it is no postmaster), and those
/// of reading /proc.
[[nodiscard]] SurveyReport run_survey(
    const SurveyTask& task,
    const ProcFs& proc,
    const ModuleCache& modules,
    const VariableSymbols& symbols
);

/// The packet of the answer; processes are left out at the end until it is small enough.
[[nodiscard]] std::string encode_survey(std::uint64_t id, ServerSurvey survey);

}  // namespace pghang::sampler
