#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <new>

namespace pghang {

/// Allocates what forked processes do not need. Large blocks are mappings that fork() leaves out:
/// copying the page tables of the symbols was a third of what forking a capture child costs. A
/// child that touches one dies of SIGSEGV.
template <typename T>
struct Unforked {
  // NOLINTNEXTLINE(readability-identifier-naming): the standard's name
  using value_type = T;

  Unforked() = default;

  template <typename Other>
  explicit(false) Unforked(const Unforked<Other>& /*other*/) {}

  [[nodiscard]] T* allocate(std::size_t count) {
    const std::size_t bytes = count * sizeof(T);
    if (bytes < kLarge) return static_cast<T*>(::operator new(bytes));
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    ::madvise(memory, bytes, MADV_DONTFORK);
    return static_cast<T*>(memory);
  }

  void deallocate(T* memory, std::size_t count) {
    const std::size_t bytes = count * sizeof(T);
    if (bytes < kLarge) {
      ::operator delete(memory);
    } else {
      ::munmap(memory, bytes);
    }
  }

  friend bool operator==(const Unforked& /*a*/, const Unforked& /*b*/) { return true; }

 private:
  static constexpr std::size_t kLarge = std::size_t{16} * 1024;
};

}  // namespace pghang
