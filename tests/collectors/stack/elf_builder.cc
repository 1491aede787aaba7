#include "tests/collectors/stack/elf_builder.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace pghang::test {

namespace {

constexpr std::uint64_t kDynsym = 0x5000;
constexpr std::uint64_t kDynstr = 0x6000;
constexpr std::uint64_t kSectionHeaders = 0x7000;
constexpr std::uint64_t kFileSize = 0x8000;

template <typename T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename T>
void put(std::string& file, std::uint64_t offset, const T& value) {
  std::memcpy(file.data() + offset, &value, sizeof value);
}

std::string cie(bool signal_frame) {
  std::string body;
  append<std::uint32_t>(body, 0);
  body += '\1';
  body += signal_frame ? std::string("zRS\0", 4) : std::string("zR\0", 3);
  body += "\x01\x78\x10";  // code alignment 1, data alignment -8, return address r16
  body += "\x01\x1b";      // augmentation data: pcrel sdata4
  body += std::string("\x0c\x07\x08\x90\x01", 5);  // CFA = rsp+8; r16 at CFA-8
  body.resize((body.size() + 3 + 4) / 8 * 8 + 4, '\0');
  std::string record;
  append(record, static_cast<std::uint32_t>(body.size()));
  return record + body;
}

std::string fde(const BuiltFunction& function, std::uint64_t at, std::uint64_t cie_at) {
  constexpr std::uint64_t head = 8;
  std::string body;
  append(body, static_cast<std::uint32_t>(at + 4 - cie_at));
  append(body, static_cast<std::int32_t>(function.address - (at + head)));
  append(body, static_cast<std::uint32_t>(function.code.size()));
  body += '\0';
  body += function.cfi;
  body.resize((body.size() + 3 + 4) / 8 * 8 + 4, '\0');
  std::string record;
  append(record, static_cast<std::uint32_t>(body.size()));
  return record + body;
}

Elf64_Shdr section(
    std::uint32_t name,
    std::uint32_t type,
    std::uint64_t offset,
    std::uint64_t size,
    std::uint32_t link,
    std::uint64_t entry_size
) {
  Elf64_Shdr header{};
  header.sh_name = name;
  header.sh_type = type;
  header.sh_addr = offset;
  header.sh_offset = offset;
  header.sh_size = size;
  header.sh_link = link;
  header.sh_entsize = entry_size;
  return header;
}

void put_headers(std::string& file, std::uint64_t table_size) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_machine = EM_X86_64;
  header.e_type = ET_DYN;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 2;
  header.e_shoff = kSectionHeaders;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 3;
  put(file, 0, header);

  Elf64_Phdr load{};
  load.p_type = PT_LOAD;
  load.p_flags = PF_R | PF_X;
  load.p_filesz = load.p_memsz = kFileSize;
  put(file, sizeof header, load);
  Elf64_Phdr tables{};
  tables.p_type = PT_GNU_EH_FRAME;
  tables.p_offset = tables.p_vaddr = kEhFrameHdr;
  tables.p_filesz = tables.p_memsz = table_size;
  put(file, sizeof header + sizeof load, tables);
}

void put_unwind_tables(std::string& file, const std::vector<BuiltFunction>& functions) {
  std::string frames = cie(false);
  const std::uint64_t signal_cie = kEhFrame + frames.size();
  frames += cie(true);
  std::string entries;
  std::uint32_t count = 0;
  for (const BuiltFunction& function : functions) {
    if (!function.has_fde) continue;
    const std::uint64_t at = kEhFrame + frames.size();
    frames += fde(function, at, function.signal_frame ? signal_cie : kEhFrame);
    append(entries, static_cast<std::int32_t>(function.address - kEhFrameHdr));
    append(entries, static_cast<std::int32_t>(at - kEhFrameHdr));
    ++count;
  }
  std::string header("\x01\x1b\x03\x3b", 4);
  append(header, static_cast<std::int32_t>(kEhFrame - (kEhFrameHdr + 4)));
  append(header, count);
  header += entries;
  file.replace(kEhFrame, frames.size(), frames);
  file.replace(kEhFrameHdr, header.size(), header);
  put_headers(file, header.size());
}

void put_symbols(std::string& file, const std::vector<BuiltFunction>& functions) {
  std::string strings(1, '\0');
  std::string symbols(sizeof(Elf64_Sym), '\0');
  for (const BuiltFunction& function : functions) {
    if (function.name.empty()) continue;
    Elf64_Sym symbol{};
    symbol.st_name = static_cast<std::uint32_t>(strings.size());
    symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
    symbol.st_shndx = 1;
    symbol.st_value = function.address;
    symbol.st_size = function.code.size();
    append(symbols, symbol);
    strings += function.name + '\0';
  }
  file.replace(kDynsym, symbols.size(), symbols);
  file.replace(kDynstr, strings.size(), strings);
  constexpr std::uint64_t header_size = sizeof(Elf64_Shdr);
  put(file,
      kSectionHeaders + header_size,
      section(0, SHT_DYNSYM, kDynsym, symbols.size(), 2, sizeof(Elf64_Sym)));
  put(file, kSectionHeaders + 2 * header_size, section(0, SHT_STRTAB, kDynstr, strings.size(), 0, 0)
  );
}

}  // namespace

std::string frame_pointer_cfi() {
  // advance 1; CFA = rsp+16; rbp at CFA-16; advance 3; CFA = rbp+16
  return {"\x41\x0e\x10\x86\x02\x43\x0d\x06", 8};
}

std::string outermost_cfi() {
  return {"\x07\x10", 2};
}

std::string call(std::uint64_t address, std::uint64_t target) {
  std::string code = "\xe8";
  append(code, static_cast<std::int32_t>(target - (address + 5)));
  return code;
}

std::string build_elf(std::vector<BuiltFunction> functions) {
  std::sort(functions.begin(), functions.end(), [](const auto& a, const auto& b) {
    return a.address < b.address;
  });
  std::string file(kFileSize, '\0');
  for (const BuiltFunction& function : functions)
    file.replace(function.address, function.code.size(), function.code);
  put_unwind_tables(file, functions);
  put_symbols(file, functions);
  return file;
}

MapModules::MapModules(const std::string& path, std::shared_ptr<const ElfModule> module) {
  add(path, std::move(module));
}

void MapModules::add(const std::string& path, std::shared_ptr<const ElfModule> module) {
  modules_[path] = std::move(module);
}

std::shared_ptr<const ElfModule> MapModules::module_of(const Mapping& mapping) const {
  const auto found = modules_.find(mapping.path);
  return found == modules_.end() ? nullptr : found->second;
}

StackSnapshot in_place_snapshot(std::uint64_t pc, const std::vector<std::uint64_t>& words) {
  StackSnapshot snapshot;
  snapshot.key = {42, 4200};
  snapshot.method = CaptureMethod::in_place;
  snapshot.in_syscall = true;
  snapshot.registers[kRegisterRsp] = kStackStart;
  snapshot.registers[kRegisterRip] = kBias + pc;
  snapshot.stack_start = kStackStart;
  for (const std::uint64_t word : words)
    append(snapshot.stack, word);
  Mapping text;
  text.start = kBias;
  text.end = kBias + kFileSize;
  text.inode = 7;
  text.readable = text.executable = true;
  text.path = "/made/up.so";
  Mapping stack;
  stack.start = kStackStart - 0x1000;
  stack.end = kStackStart + snapshot.stack.size();
  stack.readable = stack.writable = true;
  stack.path = "[stack]";
  snapshot.mappings = {text, stack};
  return snapshot;
}

std::vector<std::string> names(const StackTrace& trace) {
  std::vector<std::string> result;
  for (const Frame& frame : trace.frames) {
    result.push_back(frame.kind == FrameKind::signal ? "<signal>" : frame.function.value_or("?"));
  }
  return result;
}

}  // namespace pghang::test
