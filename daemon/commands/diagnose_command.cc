#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "collectors/sampler/client.h"
#include "daemon/commands/commands.h"
#include "daemon/commands/print_diagnosis.h"
#include "daemon/service/privileges.h"
#include "daemon/service/sampler_program.h"
#include "daemon/targets/capture_desk.h"
#include "daemon/version.h"
#include "exporters/bundle/bundle.h"

namespace pghang {
namespace {

/// Beyond the samples themselves; a cold helper parses PostgreSQL's tables within it.
constexpr std::chrono::milliseconds kCaptureMargin{10'000};

bool lacks(const Capture& capture, std::string_view evidence) {
  return std::ranges::find(capture.missing, evidence, &Missing::evidence) != capture.missing.end();
}

/// Its executable was read and has none of PostgreSQL's variables.
bool is_another_program(const Capture& capture) {
  return !capture.postgres && !has_ended(capture) && !lacks(capture, "interrupts");
}

/// After the capture, which it would disturb. Only of PostgreSQL: what a stop does to another
/// program's system calls nobody has looked at.
boost::asio::awaitable<Result<SyscallTrace>> take_trace(
    sampler::SamplerClient& sampler,
    const DiagnoseOptions& options,
    const Capture& capture
) {
  if (is_another_program(capture)) {
    co_return Error{Errc::refused, "it is not a PostgreSQL process"};
  }
  if (!capture.postgres) {
    co_return Error{Errc::refused, "it cannot be told whether it is a PostgreSQL process"};
  }
  sampler::TraceRequest request;
  request.pid = capture.key.pid;
  request.start_ticks = capture.key.start_ticks;
  request.duration_ms = static_cast<std::uint32_t>(options.trace->count());
  request.allow_ptrace = options.allow_ptrace_stop;
  co_return co_await sampler.trace(request, *options.trace + kCaptureMargin);
}

/// What the helper found.
struct Findings {
  Result<Capture> capture = Error{Errc::io, "no answer"};
  std::optional<Result<SyscallTrace>> trace;  ///< absent when none was asked for
};

boost::asio::awaitable<void> take_findings(
    sampler::SamplerClient& sampler,
    DiagnoseOptions options,
    Findings& findings,
    boost::asio::io_context& loop
) {
  Sampling sampling;
  sampling.samples = options.samples;
  sampling.interval = options.interval;
  sampling.allow_ptrace_stop = options.allow_ptrace_stop;
  sampler::CaptureRequest request = capture_request(sampling, options.pid);
  request.keep_snapshot = !options.save.empty();
  request.inlines = options.inlines;
  auto deadline = options.interval * options.samples * 2 + kCaptureMargin;
  if (!options.symbols.debuginfod_urls.empty()) {
    const auto wait = options.symbols.debuginfod_timeout;
    request.wait_for_symbols_ms = static_cast<std::uint32_t>(wait.count());
    deadline += wait;
  }
  findings.capture = co_await sampler.capture(request, deadline);
  if (options.trace && findings.capture && !has_ended(*findings.capture)) {
    findings.trace = co_await take_trace(sampler, options, *findings.capture);
  }
  loop.stop();
}

/// A capability is missing that the report cannot do without: user stack, flags and system call are
/// all absent, and one of them for that.
const Missing* decisive_gap(const Capture& capture) {
  const bool blind = capture.stack.frames.empty() && !capture.syscall && !capture.postgres;
  if (!blind) return nullptr;
  const auto found = std::ranges::find_if(capture.missing, [](const Missing& it) {
    const bool decides =
        it.evidence == "user_stack" || it.evidence == "interrupts" || it.evidence == "syscall";
    return decides && !it.needs.empty();
  });
  return found == capture.missing.end() ? nullptr : &*found;
}

ExitCode failed(const DiagnoseOptions& options, const Error& error) {
  std::fprintf(
      stderr,
      "pghangd: pid %d: %s: %s\n",
      options.pid,
      to_string(error.code),
      error.context.c_str()
  );
  return error.code == Errc::permission_denied ? ExitCode::permission : ExitCode::no_result;
}

/// Of what the capture alone says, nothing can be told.
std::optional<std::string> no_diagnosis(const Capture& capture) {
  if (capture.gone)
    return capture.key.start_ticks == 0 ? "no such process" : "it ended while it was looked at";
  if (capture.kernel_thread)
    return "a kernel thread (" + capture.comm + "): it runs no program, and no signal ends it";
  return std::nullopt;
}

/// The report comes all the same: what it says of stack and system call is as true of any program.
void warn_not_postgres(const Capture& capture) {
  const auto why = std::ranges::find(capture.missing, "interrupts", &Missing::evidence);
  const std::string words =
      why == capture.missing.end()
          ? " is not a PostgreSQL process: what follows says nothing of interrupts"
          : ": it cannot be told whether it is a PostgreSQL process: " + why->error;
  std::fprintf(
      stderr,
      "pghangd: pid %d (%s)%s\n",
      capture.key.pid,
      capture.comm.c_str(),
      words.c_str()
  );
}

/// What a trace that was asked for came to; a failure is evidence that is missing.
void add_trace(const DiagnoseOptions& options, Findings& findings, Evidence& evidence) {
  if (!findings.trace) return;
  if (*findings.trace) {
    evidence.trace = **std::move(findings.trace);
    return;
  }
  const Error& error = findings.trace->error();
  std::fprintf(stderr, "pghangd: pid %d: not traced: %s\n", options.pid, error.context.c_str());
  const bool permission = error.code == Errc::permission_denied;
  evidence.capture.missing.push_back({"trace", error.context, permission ? "CAP_SYS_PTRACE" : ""});
}

bool save(const std::string& path, const Evidence& evidence) {
  Bundle bundle;
  bundle.written_by = version();
  bundle.saved_at_micros = evidence.capture.captured_at_micros;
  bundle.evidence = evidence;
  const auto written = write_bundle(path, bundle);
  if (!written) {
    std::fprintf(
        stderr,
        "pghangd: not saved: %s: %s\n",
        to_string(written.error().code),
        written.error().context.c_str()
    );
    return false;
  }
  std::fprintf(
      stderr,
      "pghangd: saved in %s (mode 0600)%s\n",
      path.c_str(),
      evidence.capture.snapshot.empty()
          ? ""
          : ": it holds the memory of the backend's stack, which may be data; think before you "
            "send it to anybody"
  );
  return true;
}

}  // namespace

ExitCode diagnose_command(const DiagnoseOptions& options) {
  if (options.pid == ::getpid()) {
    std::fprintf(stderr, "pghangd: pid %d: this pghangd itself\n", options.pid);
    return ExitCode::usage;
  }
  boost::asio::io_context loop(1);
  auto sampler = sampler::SamplerClient::start(
      loop.get_executor(),
      find_sampler_program(options.sampler_program),
      options.symbols
  );
  if (!sampler) {
    std::fprintf(
        stderr,
        "pghangd: cannot start the sampler: %s\n",
        sampler.error().context.c_str()
    );
    return ExitCode::no_result;
  }
  if (const auto dropped = drop_capabilities(); !dropped) {
    std::fprintf(stderr, "pghangd: %s\n", dropped.error().context.c_str());
  }
  Findings findings;
  boost::asio::co_spawn(
      loop,
      take_findings(**sampler, options, findings, loop),
      [](const std::exception_ptr& failure) {
        if (failure) std::rethrow_exception(failure);
      }
  );
  loop.run();
  Result<Capture>& result = findings.capture;
  if (!result) return failed(options, result.error());
  if (const auto why = no_diagnosis(*result)) {
    std::fprintf(stderr, "pghangd: pid %d: %s\n", options.pid, why->c_str());
    return ExitCode::no_result;
  }
  if (const Missing* gap = decisive_gap(*result)) {
    return failed(
        options,
        Error{
            Errc::permission_denied,
            gap->evidence + ": " + gap->error + " (needs " + gap->needs + ")"}
    );
  }
  if (!result->postgres && !has_ended(*result)) warn_not_postgres(*result);
  Evidence evidence;
  evidence.capture = std::move(*result);
  add_trace(options, findings, evidence);
  print_diagnosis(evidence, options.json);
  if (!options.save.empty() && !save(options.save, evidence)) return ExitCode::no_result;
  if (has_ended(evidence.capture)) return ExitCode::done;
  const bool complete = evidence.capture.missing.empty() && evidence.capture.stack.complete &&
                        evidence.capture.postgres;
  return complete ? ExitCode::done : ExitCode::partial;
}

}  // namespace pghang
