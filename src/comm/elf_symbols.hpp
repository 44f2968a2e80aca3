#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace dusk::comm {

/// The functions of an ELF file by address, from its full symbol table: `dladdr` knows only what a
/// program exports, which ours does not. Empty for a file that is stripped or no 64-bit ELF.
class ElfSymbols {
 public:
  ElfSymbols() = default;
  explicit ElfSymbols(const std::filesystem::path& file);

  /// Readable name of the function that covers `offset` from where the file is loaded, or "".
  [[nodiscard]] std::string function_at(std::uint64_t offset) const;

 private:
  struct Function {
    std::uint64_t begin;
    std::uint64_t end;
    std::string name;  ///< mangled
  };
  std::vector<Function> functions_;  ///< by `begin`
};

/// "dusk::Trainer::step()" of its mangled form; what is not mangled comes back as it is.
[[nodiscard]] std::string demangled(const char* name);

}  // namespace dusk::comm
