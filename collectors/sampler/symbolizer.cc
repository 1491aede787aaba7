#include "collectors/sampler/symbolizer.h"

#include <poll.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "collectors/evidence/codec.h"
#include "collectors/sampler/capture_report.h"
#include "collectors/sampler/forked_task.h"
#include "collectors/stack/regular_file.h"
#include "collectors/stack/unwinder.h"

namespace pghang::sampler {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// What a capture child's answer is wrapped in: the codec takes aggregates.
struct Answer {
  std::vector<SourceChain> chains;
};

/// Build ids of the modules on the stack that come without debug information.
std::vector<std::string>
without_debug_info(const std::vector<CodeSite>& sites, const StackTrace& trace) {
  std::set<std::string> build_ids;
  for (const CodeSite& site : sites) {
    const bool kernels = trace.frames[site.frame].kind == FrameKind::vdso;
    if (!kernels && !site.module->build_id().empty() && site.module->dwarf().empty()) {
      build_ids.insert(site.module->build_id());
    }
  }
  return {build_ids.begin(), build_ids.end()};
}

}  // namespace

SymbolCosts Symbolizer::add(
    Capture& capture,
    const StackSnapshot& snapshot,
    const std::vector<Mapping>& mappings,
    const CaptureRequest& request,
    SymbolBudget budget
) {
  auto sites = code_sites(capture.stack, mappings, modules_);
  if (downloads_.enabled()) {
    take_downloads();
    downloads_.want(without_debug_info(sites, capture.stack));
    const milliseconds wait(request.wait_for_symbols_ms);
    if (wait_for_downloads(std::min(Clock::now() + wait, budget.kill_at - kLookUpBudget))) {
      StackSnapshot whole = snapshot;
      whole.mappings = mappings;
      const double held = capture.stack.held_micros;
      capture.stack = unwind(whole, modules_);
      capture.stack.held_micros = held;
      sites = code_sites(capture.stack, mappings, modules_);
    }
  }
  const SymbolCosts costs = look_up_new(sites, capture, budget);
  put_source(capture.stack, sites, sources_, request.inlines);
  return costs;
}

bool Symbolizer::take_downloads() {
  bool richer = false;
  for (const FetchedFile& file : downloads_.take()) {
    const auto fd = open_regular(file.path);
    richer = (fd && modules_.add_debug_file(file.build_id, fd->get())) || richer;
  }
  return richer;
}

bool Symbolizer::wait_for_downloads(Clock::time_point until) {
  bool richer = false;
  while (downloads_.fd() >= 0) {
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
    if (left.count() <= 0) break;
    pollfd answer{.fd = downloads_.fd(), .events = POLLIN, .revents = 0};
    ::poll(&answer, 1, std::min(static_cast<int>(left.count()), downloads_.poll_timeout()));
    richer = take_downloads() || richer;
  }
  return richer;
}

SymbolCosts
Symbolizer::look_up_new(const std::vector<CodeSite>& sites, Capture& capture, SymbolBudget budget) {
  std::vector<CodeSite> unknown;
  std::copy_if(sites.begin(), sites.end(), std::back_inserter(unknown), [&](const CodeSite& site) {
    return !site.module->dwarf().empty() && sources_.find(site) == nullptr;
  });
  if (unknown.empty()) return {};
  const auto whole_budget = Clock::now() + kLookUpBudget;
  const auto kill_at = std::min(budget.kill_at, whole_budget);
  const auto done = run_forked(
      [&] {
        narrow_to(filters_.symbols);
        return codec::encode(Answer{look_up(unknown)});
      },
      keeper_socket_,
      kMaxReportBytes,
      kill_at,
      budget.give_up_at
  );
  auto answer = done.output ? codec::decode<Answer>(*done.output) : std::nullopt;
  if (!answer || answer->chains.size() != unknown.size()) {
    const std::string why = done.output ? "the answer cannot be read" : done.output.error().context;
    capture.missing.push_back({"source_lines", "debug information could not be read: " + why, ""});
    // Another time there may be more of it left.
    if (kill_at < whole_budget) return {done.cpu_micros, done.stuck};
    answer.emplace().chains.resize(unknown.size());
  }
  for (std::size_t i = 0; i < unknown.size(); ++i)
    sources_.remember(unknown[i], std::move(answer->chains[i]));
  return {done.cpu_micros, done.stuck};
}

}  // namespace pghang::sampler
