#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/stack/elf_image.h"
#include "config/unique_fd.h"

/// Separate debug files, looked for as gdb does (gdb manual, "Debugging Information in Separate
/// Files").
namespace pghang {

/// Where to look. Lives during one load.
struct DebugPlaces {
  std::vector<UniqueFd> roots;  ///< root directories: the target's own, then ours
  std::string debug_root;       ///< as `/usr/lib/debug`; empty: nothing is looked for
  std::string directory;        ///< of the module, as mapped; empty: no .gnu_debuglink is followed
};

/// `.gnu_debuglink`: a file name, and the CRC-32 of all of that file.
struct DebugLink {
  std::string name;
  std::uint32_t crc = 0;
};

/// Nothing when there is none, or its name is not a mere file name.
[[nodiscard]] std::optional<DebugLink> debug_link_of(const ElfImage& image);

/// A debug file that has been checked to belong to the module.
struct DebugFile {
  FileBytes file;
  FileBytes shared;   ///< what dwz(1) moved out of it (.gnu_debugaltlink); empty: nothing
  bool ours = false;  ///< found below our own root: no container and no download has made it
};

/// By build id below the debug root, then by debug link: beside the module, in `.debug/` beside it,
/// and below the debug root in the module's directory; each in every root. A candidate counts when
/// it has the same build id, or, found by its link, the right CRC and no other build id. Regular
/// files only. May block on a hung file system.
[[nodiscard]] std::optional<DebugFile>
find_debug_file(const DebugPlaces& places, const ElfImage& module);

/// A given file as the debug file of `module`; nothing when it has not the same build id.
[[nodiscard]] std::optional<DebugFile> accept_debug_file(int fd, const ElfImage& module);

}  // namespace pghang
