#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/process/parsers.h"

namespace pghang::sampler {

/// The mappings of the processes looked at last, by their text of /proc/PID/maps. The worker keeps
/// them and a capture child inherits them: of a process whose mappings are as before (a stuck one
/// maps nothing) the child neither parses 250 lines nor sends them, and the worker reads none.
class MappingsMemo {
 public:
  /// The number of the text, 1 and up; 0: not known.
  [[nodiscard]] std::uint32_t find(std::string_view text) const;
  /// The mappings of a number that find() returned; empty for another one.
  [[nodiscard]] const std::vector<Mapping>& at(std::uint32_t number) const;
  /// The child's way: takes them away instead of copying them.
  [[nodiscard]] std::vector<Mapping> take(std::uint32_t number);
  void give_back(std::uint32_t number, std::vector<Mapping> mappings);
  /// Forgets the oldest when there are too many.
  void remember(std::string text, const std::vector<Mapping>& mappings);

 private:
  struct Entry {
    std::string text;
    std::vector<Mapping> mappings;
  };

  /// 60 KB each.
  std::array<Entry, 4> entries_;
  std::size_t next_ = 0;
};

}  // namespace pghang::sampler
