#include <algorithm>
#include <cstdio>
#include <exception>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "collectors/sampler/client.h"
#include "daemon/capture_desk.h"
#include "daemon/commands.h"
#include "daemon/print_diagnosis.h"
#include "daemon/privileges.h"
#include "daemon/sampler_program.h"
#include "daemon/version.h"
#include "exporters/bundle.h"

namespace pghang {
namespace {

/// Beyond the samples themselves; a cold helper parses PostgreSQL's tables within it.
constexpr std::chrono::milliseconds kCaptureMargin{5000};

boost::asio::awaitable<void> take_capture(
    sampler::Sampler& sampler,
    DiagnoseOptions options,
    Result<Capture>& result,
    boost::asio::io_context& loop
) {
  Sampling sampling;
  sampling.samples = options.samples;
  sampling.interval = options.interval;
  sampling.allow_ptrace_stop = options.allow_ptrace_stop;
  sampler::CaptureRequest request = capture_request(sampling, options.pid);
  request.keep_snapshot = !options.save.empty();
  request.inlines = options.inlines;
  auto deadline = options.interval * options.samples + kCaptureMargin;
  if (!options.symbols.debuginfod_urls.empty()) {
    const auto wait = options.symbols.debuginfod_timeout;
    request.wait_for_symbols_ms = static_cast<std::uint32_t>(wait.count());
    deadline += wait;
  }
  result = co_await sampler.capture(request, deadline);
  loop.stop();
}

/// A capability is missing that the report cannot do without: user stack, flags and system call all
/// absent.
const Missing* decisive_gap(const Capture& capture) {
  const bool blind = capture.stack.frames.empty() && !capture.syscall && !capture.postgres;
  if (!blind) return nullptr;
  const auto found =
      std::ranges::find_if(capture.missing, [](const Missing& it) { return !it.needs.empty(); });
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
  Result<Capture> result = Error{Errc::io, "no answer"};
  boost::asio::co_spawn(
      loop,
      take_capture(**sampler, options, result, loop),
      [](const std::exception_ptr& failure) {
        if (failure) std::rethrow_exception(failure);
      }
  );
  loop.run();
  if (!result) return failed(options, result.error());
  if (result->gone) return failed(options, Error{Errc::not_found, "no such process"});
  if (const Missing* gap = decisive_gap(*result)) {
    return failed(
        options,
        Error{
            Errc::permission_denied,
            gap->evidence + ": " + gap->error + " (needs " + gap->needs + ")"}
    );
  }
  if (!result->postgres) {
    std::fprintf(
        stderr,
        "pghangd: pid %d (%s) is not a PostgreSQL process: what follows says nothing of "
        "interrupts\n",
        options.pid,
        result->comm.c_str()
    );
  }
  Evidence evidence;
  evidence.capture = std::move(*result);
  print_diagnosis(evidence, options.json);
  if (!options.save.empty() && !save(options.save, evidence)) return ExitCode::no_result;
  const bool complete = evidence.capture.missing.empty() && evidence.capture.stack.complete;
  return complete ? ExitCode::done : ExitCode::partial;
}

}  // namespace pghang
