#pragma once

#include <array>
#include <cstdint>
#include <string_view>

/// What takes foreign bytes, each as a function of the bytes that a fuzzer makes up. One returns
/// whatever the bytes are; it ends the process when a promise of a header is broken, and the
/// sanitizers do when memory is misused.
namespace pghang::fuzz {

/// A recorded snapshot with fields, words of its stack and mappings changed, unwound over recorded
/// modules; or the bytes of a snapshot as they are.
void snapshot(std::string_view bytes);
/// An ELF file with bytes changed, or bytes as they are, and every query that a module answers.
void elf(std::string_view bytes);
/// .eh_frame and .eh_frame_hdr, or only the CFI programs of a CIE and an FDE, in an otherwise right
/// ELF file, unwound by libunwind.
void eh_frame(std::string_view bytes);
/// .gnu_debugdata, and a debug file with its DWARF.
void debug_data(std::string_view bytes);
/// The text of a file of /proc; the first byte chooses which.
void proc(std::string_view bytes);
/// A packet between daemon and helper, or the report of a capture child.
void message(std::string_view bytes);
/// A bundle as a file, or the archive inside one.
void bundle(std::string_view bytes);
/// Evidence with any values in it, explained and printed.
void evidence(std::string_view bytes);
/// What a client of the HTTP server sends, on one connection; the first byte says in which pieces.
void request(std::string_view bytes);
/// A file of the tz database, or the rule at its end.
void time_zone(std::string_view bytes);
/// What the store keeps of incidents, escalations, budgets and breakers; or its file, damaged.
void store(std::string_view bytes);

struct Target {
  const char* name;
  void (*run)(std::string_view bytes);
};

inline constexpr std::array kTargets{
    Target{"snapshot", snapshot},
    Target{"elf", elf},
    Target{"eh_frame", eh_frame},
    Target{"debug_data", debug_data},
    Target{"proc", proc},
    Target{"message", message},
    Target{"bundle", bundle},
    Target{"evidence", evidence},
    Target{"request", request},
    Target{"time_zone", time_zone},
    Target{"store", store},
};

}  // namespace pghang::fuzz
