#include "collectors/stack/elf_image.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace pghang {

namespace {

constexpr std::size_t kMaxHeaders = 4096;

/// A header array of `count` records at `offset`; empty when any of it is outside the file.
template <typename T>
std::vector<T> headers(std::string_view file, std::uint64_t offset, std::size_t count) {
  std::vector<T> result;
  if (count > kMaxHeaders || offset > file.size() || count > (file.size() - offset) / sizeof(T)) {
    return result;
  }
  for (std::size_t i = 0; i < count; ++i)
    result.push_back(*record_at<T>(file.substr(offset), i));
  return result;
}

/// The descriptor of the NT_GNU_BUILD_ID note (elf(5), "Notes").
std::string_view build_id_note(std::string_view notes) {
  constexpr std::uint64_t max_build_id = 64;
  const auto padded = [](std::uint64_t size) {
    return (size + 3) & ~std::uint64_t{3};
  };
  while (const auto note = record_at<Elf64_Nhdr>(notes, 0)) {
    notes.remove_prefix(sizeof *note);
    const std::uint64_t name_bytes = padded(note->n_namesz);
    if (name_bytes > notes.size() || note->n_descsz > notes.size() - name_bytes) return {};
    const std::string_view name = notes.substr(0, note->n_namesz);
    const std::string_view description = notes.substr(name_bytes, note->n_descsz);
    if (note->n_type == NT_GNU_BUILD_ID && name == std::string_view("GNU\0", 4)) {
      return description.size() <= max_build_id ? description : std::string_view();
    }
    notes.remove_prefix(std::min<std::uint64_t>(name_bytes + padded(note->n_descsz), notes.size()));
  }
  return {};
}

}  // namespace

FileBytes::FileBytes(std::string bytes) : own_(std::move(bytes)) {}

Result<FileBytes> FileBytes::map(int fd) {
  struct stat status {};

  if (::fstat(fd, &status) != 0) return Error{Errc::io, "fstat failed"};
  if (!S_ISREG(status.st_mode) || status.st_size <= 0) {
    return Error{Errc::malformed, "not a regular file with content"};
  }
  FileBytes bytes;
  bytes.size_ = static_cast<std::size_t>(status.st_size);
  void* mapped = ::mmap(nullptr, bytes.size_, PROT_READ, MAP_PRIVATE, fd, 0);
  if (mapped == MAP_FAILED) return Error{Errc::io, "mmap failed"};
  bytes.mapped_ = mapped;
  return bytes;
}

FileBytes::FileBytes(FileBytes&& other) noexcept
    : own_(std::move(other.own_)),
      mapped_(std::exchange(other.mapped_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

FileBytes& FileBytes::operator=(FileBytes&& other) noexcept {
  std::swap(own_, other.own_);
  std::swap(mapped_, other.mapped_);
  std::swap(size_, other.size_);
  return *this;
}

void FileBytes::release_pages() const {
  if (mapped_ != nullptr) ::madvise(mapped_, size_, MADV_DONTNEED);
}

FileBytes::~FileBytes() {
  if (mapped_ != nullptr) ::munmap(mapped_, size_);
}

Result<ElfImage> ElfImage::parse(std::string_view file) {
  const auto header = record_at<Elf64_Ehdr>(file, 0);
  if (!header || std::string_view(file.data(), SELFMAG) != ELFMAG) {
    return Error{Errc::malformed, "not an ELF file"};
  }
  if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
      header->e_machine != EM_X86_64) {
    return Error{Errc::unsupported, "not an x86-64 ELF file"};
  }
  ElfImage image;
  image.file_ = file;
  if (header->e_phentsize == sizeof(Elf64_Phdr)) {
    image.segments_ = headers<Elf64_Phdr>(file, header->e_phoff, header->e_phnum);
  }
  if (header->e_shentsize == sizeof(Elf64_Shdr)) {
    image.sections_ = headers<Elf64_Shdr>(file, header->e_shoff, header->e_shnum);
  }
  if (header->e_shstrndx < image.sections_.size()) {
    image.section_names_ = image.section_bytes(image.sections_[header->e_shstrndx]);
  }
  return image;
}

std::string_view ElfImage::file_bytes(std::uint64_t offset, std::uint64_t size) const {
  if (offset > file_.size() || size > file_.size() - offset) return {};
  return file_.substr(offset, size);
}

std::string_view ElfImage::section_bytes(const Elf64_Shdr& section) const {
  if (section.sh_type == SHT_NOBITS) return {};
  return file_bytes(section.sh_offset, section.sh_size);
}

std::string_view ElfImage::section_name(const Elf64_Shdr& section) const {
  return string_at(section_names_, section.sh_name);
}

const Elf64_Shdr* ElfImage::section(std::string_view name) const {
  const auto found =
      std::find_if(sections_.begin(), sections_.end(), [&](const Elf64_Shdr& section) {
        return section_name(section) == name;
      });
  return found == sections_.end() ? nullptr : &*found;
}

SymbolTable ElfImage::symbol_table(std::uint32_t type) const {
  for (const Elf64_Shdr& section : sections_) {
    if (section.sh_type != type || section.sh_entsize != sizeof(Elf64_Sym)) continue;
    if (section.sh_link >= sections_.size()) continue;
    return {section_bytes(section), section_bytes(sections_[section.sh_link])};
  }
  return {};
}

std::string_view ElfImage::memory(std::uint64_t address, std::uint64_t size) const {
  for (const Elf64_Phdr& segment : segments_) {
    if (segment.p_type != PT_LOAD || address < segment.p_vaddr) continue;
    const std::uint64_t within = address - segment.p_vaddr;
    if (within >= segment.p_filesz) continue;
    const std::string_view bytes = file_bytes(segment.p_offset, segment.p_filesz);
    return bytes.empty() ? bytes : bytes.substr(within, size);
  }
  return {};
}

bool ElfImage::executable(std::uint64_t address) const {
  return std::any_of(segments_.begin(), segments_.end(), [&](const Elf64_Phdr& segment) {
    return segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0 &&
           address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_memsz;
  });
}

std::string ElfImage::build_id() const {
  for (const Elf64_Phdr& segment : segments_) {
    if (segment.p_type != PT_NOTE) continue;
    const std::string_view id = build_id_note(file_bytes(segment.p_offset, segment.p_filesz));
    if (!id.empty()) return hex_text(id);
  }
  for (const Elf64_Shdr& section : sections_) {
    if (section.sh_type != SHT_NOTE) continue;
    const std::string_view id = build_id_note(section_bytes(section));
    if (!id.empty()) return hex_text(id);
  }
  return {};
}

std::string hex_text(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    text += digits[value >> 4U];
    text += digits[value & 15U];
  }
  return text;
}

std::string_view string_at(std::string_view strings, std::uint64_t offset) {
  if (offset >= strings.size()) return {};
  const std::string_view rest = strings.substr(offset);
  const std::size_t end = rest.find('\0');
  return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
}

}  // namespace pghang
