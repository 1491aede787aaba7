#include "collectors/stack/unwinder.h"

#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collectors/stack/address_layout.h"
#include "collectors/stack/demangle.h"
#include "collectors/stack/frame_recovery.h"
#include "collectors/stack/frame_stepper.h"
#include "collectors/stack/omission.h"

namespace pghang {

namespace {

std::string hex(std::uint64_t value) {
  constexpr std::size_t text_size = 24;
  std::array<char, text_size> text{};
  std::snprintf(text.data(), text.size(), "0x%lx", value);
  return text.data();
}

/// A frame and what the walk has to know about it.
struct DescribedFrame {
  Frame frame;
  bool has_module = false;
};

/// Nothing is below them, whatever CFI says.
bool is_entry_point(std::string_view function) {
  return function == "_start" || function == "clone" || function == "__clone" ||
         function == "clone3" || function == "__clone3";
}

FrameKind kind_of(const CodePlace& place, std::uint64_t address, bool signal_frame) {
  if (signal_frame) return FrameKind::signal;
  if (place.mapping == nullptr) return FrameKind::normal;
  if (place.mapping->path == "[vdso]") return FrameKind::vdso;
  if (place.mapping->inode == 0 && place.mapping->executable) return FrameKind::jit;
  if (place.module != nullptr && place.module->in_plt(address - place.bias)) return FrameKind::plt;
  return FrameKind::normal;
}

/// `write@plt`, as gdb has it, for an address anywhere in a stub.
std::optional<std::string> stub_name(const CodePlace& place, std::uint64_t address) {
  constexpr std::uint64_t stub_size = 16;
  const std::uint64_t within = address - place.bias;
  const auto name = place.module->import_of_stub(within - within % stub_size);
  if (name.empty()) return std::nullopt;
  return std::string(name) + "@plt";
}

DescribedFrame describe(const AddressLayout& layout, std::uint64_t pc, bool is_return_address) {
  const std::uint64_t lookup = is_return_address ? pc - 1 : pc;
  const CodePlace place = layout.at(lookup);
  DescribedFrame result;
  bool signal_frame = false;
  Frame& frame = result.frame;
  frame.address = pc;
  if (place.mapping != nullptr) {
    frame.module = place.mapping->path;
    frame.offset = pc - place.mapping->start + place.mapping->offset;
  }
  if (place.module != nullptr) {
    const std::uint64_t address = lookup - place.bias;
    result.has_module = true;
    frame.offset = pc - place.bias;
    frame.build_id = place.module->build_id();
    const auto range = place.module->function_range(address);
    if (range) frame.fde_start = range->start;
    signal_frame = range && range->signal_frame;
    const auto symbol = place.module->function_at(address);
    if (symbol && !signal_frame) {
      frame.function = std::string(symbol->name);
      frame.exported = symbol->exported;
      frame.demangled = demangle(*frame.function);
    }
  }
  frame.kind = kind_of(place, lookup, signal_frame);
  if (frame.kind == FrameKind::plt && !frame.function) frame.function = stub_name(place, lookup);
  return result;
}

std::string register_name(std::size_t number) {
  constexpr std::array<const char*, kRegisterCount> register_names{
      "rax",
      "rdx",
      "rcx",
      "rbx",
      "rsi",
      "rdi",
      "rbp",
      "rsp",
      "r8",
      "r9",
      "r10",
      "r11",
      "r12",
      "r13",
      "r14",
      "r15",
      "rip"};
  return number < register_names.size() ? register_names[number] : "a register";
}

/// Why the walk cannot go on from `frame`.
std::string stop_reason(
    StepResult result,
    const Frame& frame,
    bool has_module,
    const StackSnapshot& snapshot,
    std::size_t number
) {
  switch (result) {
    case StepResult::needs_register:
      return "the caller depends on " + register_name(number) +
             ", which is not known, and no caller could be verified";
    case StepResult::no_unwind_info:
      if (frame.kind == FrameKind::jit) return "no unwind tables for JIT code";
      if (frame.module.empty()) return "the pc is in no mapping";
      if (!has_module) return "the file of " + frame.module + " could not be had";
      return "no unwind table entry for " + hex(frame.offset) + " in " + frame.module;
    case StepResult::unreadable:
      return snapshot.stack_truncated ? "the copy of the stack ends here"
                                      : "the frame leads outside the captured stack";
    case StepResult::broken: return "the unwind tables of " + frame.module + " are damaged";
    case StepResult::stepped:
    case StepResult::outermost: break;
  }
  return {};
}

/// What a walk has to know about where it is; the rest of a frame is only for those that are kept.
struct Landmark {
  bool signal_frame = false;
  bool entry_point = false;
};

/// Landmarks by address: a deep stack is at the same few again and again.
class Landmarks {
 public:
  explicit Landmarks(const AddressLayout& layout) : layout_(layout) {}

  [[nodiscard]] Landmark at(std::uint64_t lookup) {
    Slot& slot = slots_[lookup % slots_.size()];
    if (!slot.known || slot.lookup != lookup) slot = {lookup, find(lookup), true};
    return slot.landmark;
  }

 private:
  struct Slot {
    std::uint64_t lookup = 0;
    Landmark landmark;
    bool known = false;
  };

  [[nodiscard]] Landmark find(std::uint64_t lookup) const {
    const CodePlace place = layout_.at(lookup);
    if (place.module == nullptr) return {};
    const auto range = place.module->function_range(lookup - place.bias);
    if (range && range->signal_frame) return {.signal_frame = true};
    const auto symbol = place.module->function_at(lookup - place.bias);
    return {.entry_point = symbol && is_entry_point(symbol->name)};
  }

  const AddressLayout& layout_;
  std::array<Slot, 256> slots_{};
};

class Walk {
 public:
  Walk(const StackSnapshot& snapshot, const ModuleSource& modules)
      : snapshot_(snapshot),
        layout_(snapshot, modules),
        landmarks_(layout_),
        stepper_(snapshot, layout_) {}

  StackTrace run() {
    trace_.method = snapshot_.method;
    trace_.held_micros = snapshot_.held_micros;
    if (!stepper_.valid()) {
      trace_.stop_reason = "the snapshot has no program counter and stack pointer";
      return std::move(trace_);
    }
    bool is_return_address = snapshot_.in_syscall;
    while (advance(is_return_address)) {
    }
    describe_kept();
    return std::move(trace_);
  }

 private:
  /// A frame that was walked over; its pc is in pcs_.
  struct Passed {
    bool is_return_address = false;
    RecoveredBy recovered_by = RecoveredBy::none;
  };

  bool stop(std::string reason) {
    trace_.stop_reason = std::move(reason);
    return false;
  }

  /// Adds the current frame and steps to its caller; false at the end.
  bool advance(bool& is_return_address) {
    const std::uint64_t pc = stepper_.pc();
    const std::uint64_t sp = stepper_.sp();
    if (!pcs_.empty()) {
      if (pc == 0) return stop("the return address is 0");
      const CodePlace place = layout_.at(pc);
      if (place.mapping == nullptr || !place.mapping->executable) {
        return stop("the return address " + hex(pc) + " is not in executable memory");
      }
    }
    pcs_.push_back(pc);
    passed_.push_back({is_return_address});
    const Landmark here = landmarks_.at(is_return_address ? pc - 1 : pc);
    if (here.entry_point) {
      trace_.complete = true;
      return false;
    }
    if (pcs_.size() == kMaxWalk) {
      return stop("more than " + std::to_string(kMaxWalk) + " frames");
    }

    StepResult result = stepper_.step();
    if (result == StepResult::needs_register && stepper_.missing_register() == kRegisterRbp) {
      const RecoveredBy way =
          recover_frame_pointer(stepper_, layout_, is_return_address, snapshot_.stack_truncated);
      passed_.back().recovered_by = way;
      if (way != RecoveredBy::none) result = stepper_.step();
    }
    if (result == StepResult::outermost) {
      trace_.complete = true;
      return false;
    }
    if (result != StepResult::stepped) {
      const DescribedFrame frame = describe(layout_, pc, is_return_address);
      const std::size_t missing = stepper_.missing_register();
      trace_.wants_registers = result == StepResult::needs_register;
      return stop(stop_reason(result, frame.frame, frame.has_module, snapshot_, missing));
    }
    // A signal handler may run on a stack of its own, anywhere.
    if (stepper_.sp() <= sp && !here.signal_frame) {
      return stop("the stack pointer does not move on");
    }
    is_return_address = !here.signal_frame;
    return true;
  }

  void describe_kept() {
    const Omission omission = choose_omission(pcs_, kMaxFrames);
    trace_.omitted = static_cast<std::uint32_t>(omission.count);
    trace_.omitted_after = static_cast<std::uint32_t>(omission.after);
    trace_.frames.reserve(pcs_.size() - omission.count);
    for (std::size_t i = 0; i < pcs_.size(); ++i) {
      if (i == omission.after) i += omission.count;
      Frame frame = describe(layout_, pcs_[i], passed_[i].is_return_address).frame;
      frame.recovered = passed_[i].recovered_by != RecoveredBy::none;
      frame.recovered_by = passed_[i].recovered_by;
      trace_.frames.push_back(std::move(frame));
    }
  }

  const StackSnapshot& snapshot_;
  AddressLayout layout_;
  Landmarks landmarks_;
  FrameStepper stepper_;
  std::vector<std::uint64_t> pcs_;
  std::vector<Passed> passed_;
  StackTrace trace_;
};

}  // namespace

StackTrace unwind(const StackSnapshot& snapshot, const ModuleSource& modules) {
  return Walk(snapshot, modules).run();
}

}  // namespace pghang
