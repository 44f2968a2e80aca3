#include "comm/elf_symbols.hpp"

#include <cxxabi.h>
#include <elf.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "dusk/base/files.hpp"

namespace dusk::comm {
namespace {

using View = std::span<const std::byte>;

/// The value at `offset`, where the file is long enough.
template <class T>
std::optional<T> value_at(View file, std::uint64_t offset) {
  if (offset > file.size() || file.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, file.data() + offset, sizeof(T));
  return value;
}

View content_of(View file, const Elf64_Shdr& section) {
  if (section.sh_offset > file.size() || section.sh_size > file.size() - section.sh_offset) {
    return {};
  }
  return file.subspan(section.sh_offset, section.sh_size);
}

std::string_view text_at(View texts, std::uint64_t offset) {
  if (offset >= texts.size()) return {};
  const auto* begin = reinterpret_cast<const char*>(texts.data()) + offset;
  return {begin, ::strnlen(begin, texts.size() - offset)};
}

}  // namespace

std::string demangled(const char* name) {
  int failed = 0;
  const std::unique_ptr<char, decltype(&std::free)> plain(
      abi::__cxa_demangle(name, nullptr, nullptr, &failed), &std::free);
  return failed == 0 ? plain.get() : name;
}

ElfSymbols::ElfSymbols(const std::filesystem::path& path) {
  const MappedFile mapped(path);
  const View file = mapped.bytes();
  const auto header = value_at<Elf64_Ehdr>(file, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_ident[EI_CLASS] != ELFCLASS64) {
    return;
  }
  const auto section = [&](std::uint64_t number) {
    return value_at<Elf64_Shdr>(file, header->e_shoff + number * header->e_shentsize);
  };
  for (std::uint64_t i = 0; i < header->e_shnum; ++i) {
    const auto table = section(i);
    if (!table || table->sh_type != SHT_SYMTAB) continue;
    const auto texts_section = section(table->sh_link);
    if (!texts_section) continue;
    const View symbols = content_of(file, *table);
    const View texts = content_of(file, *texts_section);
    for (std::uint64_t at = 0; at + sizeof(Elf64_Sym) <= symbols.size(); at += sizeof(Elf64_Sym)) {
      const auto symbol = *value_at<Elf64_Sym>(symbols, at);
      if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_size == 0) continue;
      functions_.push_back({symbol.st_value, symbol.st_value + symbol.st_size,
                            std::string(text_at(texts, symbol.st_name))});
    }
  }
  std::sort(functions_.begin(), functions_.end(),
            [](const Function& a, const Function& b) { return a.begin < b.begin; });
}

std::string ElfSymbols::function_at(std::uint64_t offset) const {
  const auto after = std::upper_bound(
      functions_.begin(), functions_.end(), offset,
      [](std::uint64_t at, const Function& function) { return at < function.begin; });
  if (after == functions_.begin() || offset >= std::prev(after)->end) return {};
  return demangled(std::prev(after)->name.c_str());
}

}  // namespace dusk::comm
