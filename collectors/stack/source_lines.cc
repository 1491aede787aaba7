#include "collectors/stack/source_lines.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "collectors/stack/demangle.h"

namespace pghang {

namespace {

/// About 0.3 kB each.
constexpr std::size_t kMaxRemembered = 8192;

const Mapping* mapping_at(const std::vector<Mapping>& mappings, std::uint64_t address) {
  const auto found = std::find_if(mappings.begin(), mappings.end(), [&](const Mapping& mapping) {
    return mapping.contains(address);
  });
  return found == mappings.end() ? nullptr : &*found;
}

void name_function(Frame& frame, const std::string& name) {
  if (name.empty() || frame.exported) return;
  frame.function = name;
  frame.demangled = demangle(name);
}

Frame inlined_frame(const Frame& into, const SourcePlace& place) {
  Frame frame = into;
  frame.function.reset();
  frame.demangled.reset();
  frame.exported = false;
  frame.recovered = false;
  frame.inlined = true;
  name_function(frame, place.function);
  frame.file = place.file;
  frame.line = place.line;
  return frame;
}

}  // namespace

std::vector<CodeSite> code_sites(
    const StackTrace& trace,
    const std::vector<Mapping>& mappings,
    const ModuleSource& modules
) {
  std::vector<CodeSite> sites;
  bool is_return_address = false;
  for (std::size_t i = 0; i < trace.frames.size(); ++i) {
    const Frame& frame = trace.frames[i];
    const std::uint64_t back = is_return_address ? 1 : 0;
    is_return_address = frame.kind != FrameKind::signal;
    if (frame.kind == FrameKind::signal) continue;
    const Mapping* mapping = mapping_at(mappings, frame.address - back);
    if (mapping == nullptr || mapping->path.empty()) continue;
    auto module = modules.module_of(*mapping);
    if (module == nullptr) continue;
    std::uint64_t address = frame.offset - back;
    // Behind a system call that does not return another function may begin.
    if (back == 0 && module->fde_start(address).value_or(0) != frame.fde_start) --address;
    sites.push_back({i, std::move(module), address});
  }
  return sites;
}

std::vector<SourceChain> look_up(const std::vector<CodeSite>& sites) {
  std::map<const ElfModule*, std::unique_ptr<DwarfFile>> files;
  std::vector<SourceChain> chains;
  for (const CodeSite& site : sites) {
    const auto [file, added] = files.try_emplace(site.module.get());
    if (added) file->second = DwarfFile::open(site.module->dwarf(), site.module->shared_dwarf());
    chains.push_back(
        file->second == nullptr ? SourceChain() : file->second->source_of(site.address)
    );
  }
  return chains;
}

const SourceChain* SourceCache::find(const CodeSite& site) const {
  const auto module = modules_.find(site.module);
  if (module == modules_.end()) return nullptr;
  const auto chain = module->second.find(site.address);
  return chain == module->second.end() ? nullptr : &chain->second;
}

void SourceCache::remember(const CodeSite& site, SourceChain chain) {
  if (size_ >= kMaxRemembered) {
    modules_.clear();
    size_ = 0;
  }
  const auto [found, added] =
      modules_[site.module].insert_or_assign(site.address, std::move(chain));
  static_cast<void>(found);
  size_ += added ? 1 : 0;
}

void put_source(
    StackTrace& trace,
    const std::vector<CodeSite>& sites,
    const SourceCache& sources,
    bool inlines
) {
  std::size_t room = inlines ? kMaxInlinedFrames : 0;
  std::vector<Frame> frames;
  auto site = sites.begin();
  std::uint32_t seam = trace.omitted_after;
  for (std::size_t i = 0; i < trace.frames.size(); ++i) {
    if (i == trace.omitted_after) seam = static_cast<std::uint32_t>(frames.size());
    Frame& frame = trace.frames[i];
    const bool has_site = site != sites.end() && site->frame == i;
    const SourceChain* chain = has_site ? sources.find(*site) : nullptr;
    if (has_site) ++site;
    if (chain != nullptr && !chain->empty()) {
      const SourcePlace& own = chain->back();
      frame.file = own.file;
      frame.line = own.line;
      for (auto place = chain->begin(); place != std::prev(chain->end()) && room > 0;
           ++place, --room)
        frames.push_back(inlined_frame(frame, *place));
      name_function(frame, own.function);
    }
    frames.push_back(std::move(frame));
  }
  trace.frames = std::move(frames);
  trace.omitted_after = trace.omitted == 0 ? 0 : seam;
}

}  // namespace pghang
