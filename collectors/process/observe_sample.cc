#include "collectors/process/capabilities.h"
#include "collectors/process/cgroup_freezer.h"
#include "collectors/process/monotonic.h"
#include "collectors/process/observer.h"
#include "collectors/process/parsers.h"
#include "collectors/process/wchan.h"

namespace pghang {
namespace {

/// Collects what could not be read.
class Look {
 public:
  Look(const ProcFs& proc, pid_t pid, std::vector<Missing>& missing)
      : proc_(proc),
        pid_(pid),
        missing_(missing) {}

  /// The parsed text of a file of the process, or a note why not.
  template <typename Parser>
  auto parsed(const char* file, Parser parse, const char* evidence, std::uint64_t wanted) const
      -> decltype(parse(std::string_view())) {
    const Result<std::string> text = proc_.read(pid_, file);
    using Parsed = decltype(parse(std::string_view()));
    Parsed value = text ? parse(*text) : Parsed(text.error());
    if (!value) note(evidence, value.error(), wanted);
    return value;
  }

  void note(const char* evidence, const Error& error, std::uint64_t wanted) const {
    add_missing(missing_, proc_, evidence, error, wanted);
  }

 private:
  const ProcFs& proc_;
  pid_t pid_;
  std::vector<Missing>& missing_;
};

bool has_ended(ProcessState state) {
  return state == ProcessState::zombie || state == ProcessState::dead;
}

void copy_status(const ProcStatus& status, Sample& sample) {
  sample.state = status.state;
  sample.tracer_pid = status.tracer_pid;
  sample.signals = status.signals;
  sample.voluntary_switches = status.voluntary_switches;
  sample.involuntary_switches = status.involuntary_switches;
}

}  // namespace

Result<Sample> observe_sample(
    const ProcFs& proc,
    pid_t pid,
    const VariableAddresses& variables,
    std::vector<Missing>& missing
) {
  const Look look(proc, pid, missing);
  Sample sample;
  sample.at_micros = monotonic_micros();

  const Result<std::string> status_text = proc.read(pid, "status");
  if (!status_text && status_text.error().code == Errc::not_found) return status_text.error();
  const auto status =
      status_text ? parse_status(*status_text) : Result<ProcStatus>(status_text.error());
  if (status) {
    copy_status(*status, sample);
  } else {
    look.note("status", status.error(), capability::kSysPtrace);
  }

  if (const auto nanos = look.parsed("schedstat", parse_schedstat, "cpu", capability::kSysPtrace))
    sample.cpu_nanos = *nanos;
  if (has_ended(sample.state)) return sample;

  if (const auto io =
          look.parsed("io", parse_io, "io", capability::kSysPtrace | capability::kDacReadSearch))
    sample.io = *io;
  if (const Result<bool> frozen = is_frozen(proc, pid, read_wchan(proc, pid)); frozen) {
    sample.frozen = *frozen;
  } else {
    look.note("cgroup", frozen.error(), capability::kSysPtrace);
  }
  if (!variables.empty()) {
    const auto flags = read_interrupt_flags(ProcessMemory(pid), variables);
    if (flags) {
      sample.flags = *flags;
    } else {
      look.note("interrupts", flags.error(), capability::kSysPtrace);
    }
  }
  return sample;
}

}  // namespace pghang
