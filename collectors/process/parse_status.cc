#include "collectors/process/parse_text.h"
#include "collectors/process/parsers.h"

namespace pghang {
namespace {

/// Where one line of the file goes; `base` 16 for the masks.
struct Field {
  std::string_view name;
  std::uint64_t* value;
  int base;
  bool found = false;
};

std::string_view last_word(std::string_view text) {
  std::string_view last;
  for (std::string_view word = take_word(text); !word.empty(); word = take_word(text))
    last = word;
  return last;
}

}  // namespace

Result<ProcStatus> parse_status(std::string_view text) {
  ProcStatus status;
  std::uint64_t pid = 0;
  std::uint64_t tracer = 0;
  std::array<Field, 10> fields{{
      {"Pid", &pid, 10},
      {"TracerPid", &tracer, 10},
      {"SigPnd", &status.signals.pending_thread, 16},
      {"ShdPnd", &status.signals.pending_process, 16},
      {"SigBlk", &status.signals.blocked, 16},
      {"SigIgn", &status.signals.ignored, 16},
      {"SigCgt", &status.signals.caught, 16},
      {"CapEff", &status.effective_capabilities, 16},
      {"voluntary_ctxt_switches", &status.voluntary_switches, 10},
      {"nonvoluntary_ctxt_switches", &status.involuntary_switches, 10},
  }};
  bool has_state = false;
  bool has_uid = false;

  while (!text.empty()) {
    std::string_view line = take_line(text);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, colon);
    std::string_view value = trimmed(line.substr(colon + 1));

    if (name == "State" && !value.empty()) {
      status.state = to_state(value.front());
      has_state = true;
    } else if (name == "Uid") {
      [[maybe_unused]] const std::string_view real = take_word(value);
      const auto effective = to_number<std::uint32_t>(take_word(value));
      if (!effective) return malformed("status");
      status.uid = *effective;
      has_uid = true;
    } else if (name == "NSpid") {
      const auto innermost = to_number<pid_t>(last_word(value));
      if (!innermost) return malformed("status");
      status.ns_pid = *innermost;
      status.pid_levels = 0;
      while (!take_word(value).empty())
        ++status.pid_levels;
    } else {
      for (Field& field : fields) {
        if (field.name != name) continue;
        const auto number = to_number<std::uint64_t>(value, field.base);
        if (!number) return malformed("status");
        *field.value = *number;
        field.found = true;
      }
    }
  }

  if (!has_state || !has_uid) return malformed("status");
  for (const Field& field : fields)
    if (!field.found) return malformed("status");
  status.tracer_pid = static_cast<pid_t>(tracer);
  // A kernel without CONFIG_PID_NS has no NSpid.
  if (status.ns_pid == 0) status.ns_pid = static_cast<pid_t>(pid);
  return status;
}

}  // namespace pghang
