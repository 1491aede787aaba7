#include "collectors/stack/held_stack.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "collectors/stack/stack_capture.h"

namespace pghang {

namespace {

/// The stack may grow until it is stopped.
constexpr std::size_t kGrowth = std::size_t{32} * 1024;

/// Fresh pages for the copy, written to once: populated ones alone would fault again.
std::byte* locked_pages(std::size_t size) {
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  ::mlock(memory, size);
  return static_cast<std::byte*>(memory);
}

}  // namespace

HeldStack::HeldStack(const TargetMemory& memory, const std::vector<Mapping>& mappings)
    : memory_(memory),
      mappings_(mappings) {
  const auto stack = std::find_if(mappings.rbegin(), mappings.rend(), [](const Mapping& mapping) {
    return mapping.path == "[stack]";
  });
  const std::size_t size = stack == mappings.rend() ? kMaxHeldBytes : stack->end - stack->start;
  capacity_ = std::min(size + kGrowth, kMaxHeldBytes);
  buffer_ = locked_pages(capacity_);
  if (buffer_ == nullptr || stack == mappings.rend()) return;
  if (size <= capacity_) {
    (void)memory.read(stack->start, {buffer_, size});
    return;
  }
  const std::size_t deep = std::min(size, kMaxStackBytes);
  ahead_start_ = stack->end - deep;
  ahead_.resize(deep);
  const auto got = memory.read(ahead_start_, std::as_writable_bytes(std::span(ahead_)));
  if (!got || *got != deep) ahead_.clear();
  std::memset(buffer_, 0, capacity_);
}

HeldStack::~HeldStack() {
  if (buffer_ != nullptr) ::munmap(buffer_, capacity_);
}

bool HeldStack::copy(std::uint64_t sp) {
  range_ = stack_range(mappings_, sp, capacity_);
  const auto got = memory_.read(range_.start, {buffer_, range_.size});
  copied_ = got ? *got : 0;
  return copied_ > 0;
}

void HeldStack::complete() {
  const std::uint64_t from = range_.start + copied_;
  if (!range_.truncated || copied_ < range_.size || from < ahead_start_) return;
  if (from - ahead_start_ >= ahead_.size()) return;
  const std::string_view before = std::string_view(ahead_).substr(from - ahead_start_);
  rest_.resize(before.size());
  const auto got = memory_.read(from, std::as_writable_bytes(std::span(rest_)));
  if (!got || *got != rest_.size() || rest_ != before) rest_.clear();
}

std::string HeldStack::bytes() const {
  std::string all;
  all.reserve(copied_ + rest_.size());
  all.append(reinterpret_cast<const char*>(buffer_), copied_);
  all += rest_;
  return all;
}

bool HeldStack::truncated() const {
  return copied_ < range_.size || (range_.truncated && rest_.empty());
}

}  // namespace pghang
