#include <algorithm>
#include <string_view>

#include "daemon/doctor/checks.h"

namespace pghang::doctor {
namespace {

std::string named(const TargetFacts& facts, const char* what) {
  return facts.target.name + ": " + what;
}

/// `interrupts (CAP_SYS_PTRACE)`, for what no opt-in is needed.
std::string gaps(const Capture& capture) {
  std::string list;
  for (const Missing& missing : capture.missing) {
    const bool optional = missing.needs == "CAP_SYS_ADMIN" || missing.evidence == "peers";
    if (optional) continue;
    if (!list.empty()) list += ", ";
    list += missing.evidence;
    list += " (" + (missing.needs.empty() ? missing.error : "needs " + missing.needs) + ")";
  }
  return list;
}

CheckLine no_capture(const TargetFacts& facts, const Error& error) {
  const std::string check = named(facts, "process");
  // Over TCP nothing says that the server is here.
  const bool elsewhere = error.code == Errc::not_found || error.code == Errc::identity_changed;
  if (elsewhere && facts.server_process == 0) {
    return {
        Grade::warn,
        check,
        "no process of this server on this host: hangs are found and signalled, not explained",
        "run pghangd on the server's own host, with the folder of its UNIX socket as host in the "
        "dsn"};
  }
  return {
      Grade::fail,
      check,
      std::string("our own backend could not be looked at: ") + to_string(error.code) + ": " +
          error.context,
      error.code == Errc::permission_denied
          ? "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH for the sampler"
          : "sudo pghangd diagnose " + std::to_string(facts.libpq_backend_pid)};
}

CheckLine seen(const TargetFacts& facts, const Capture& capture) {
  const std::string check = named(facts, "process");
  const std::string who = "backend " + std::to_string(capture.key.pid) + " of postmaster " +
                          std::to_string(capture.ppid);
  if (!capture.postgres) {
    return {
        Grade::fail,
        check,
        who + ": its memory cannot be read: " + gaps(capture),
        "CAP_SYS_PTRACE for the sampler"};
  }
  if (const std::string list = gaps(capture); !list.empty()) {
    return {
        Grade::fail,
        check,
        who + " is seen, but not its " + list,
        "the capabilities of the unit: CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH"};
  }
  return {
      Grade::ok,
      check,
      who + " is here: flags, system call and " + std::to_string(capture.stack.frames.size()) +
          " frames read without stopping it",
      ""};
}

CheckLine check_symbols(const TargetFacts& facts, const Capture& capture) {
  const std::string check = named(facts, "debug symbols");
  const auto& frames = capture.stack.frames;
  const auto names =
      std::ranges::count_if(frames, [](const Frame& frame) { return frame.function.has_value(); });
  const auto lines =
      std::ranges::count_if(frames, [](const Frame& frame) { return frame.line != 0; });
  const std::string text = std::to_string(names) + " of " + std::to_string(frames.size()) +
                           " frames have a name, " + std::to_string(lines) + " a line of source";
  if (frames.empty()) return {Grade::ok, check, "not known without a stack", ""};
  if (lines > 0) return {Grade::ok, check, text, ""};
  const std::string more =
      "more, for postgresql-NN-dbgsym and libc6-dbg, or symbols.debuginfod_urls";
  if (static_cast<std::size_t>(names) * 2 >= frames.size())
    return {Grade::ok, check, text + "; enough to explain a hang; " + more, ""};
  return {Grade::warn, check, text, "install postgresql-NN-dbgsym and libc6-dbg"};
}

}  // namespace

CheckList check_process(const TargetFacts& facts) {
  if (!facts.capture) return {no_capture(facts, facts.capture.error())};
  const Capture& capture = *facts.capture;
  if (capture.gone) return {no_capture(facts, {Errc::not_found, "no such process"})};
  return {seen(facts, capture), check_symbols(facts, capture)};
}

}  // namespace pghang::doctor
