#include "comm/mpi/mpi_check.hpp"

#include <array>
#include <string_view>

#include "dusk/base/error.hpp"

namespace dusk::comm {

std::string mpi_error_text(int code) {
  std::array<char, MPI_MAX_ERROR_STRING + 1> text{};
  int length = 0;
  if (MPI_Error_string(code, text.data(), &length) != MPI_SUCCESS) {
    return fmt::format("MPI error {}", code);
  }
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string mpi_library() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING + 1> text{};
  int length = 0;
  if (MPI_Get_library_version(text.data(), &length) != MPI_SUCCESS) return "unknown MPI";
  const std::string_view whole(text.data(), static_cast<std::size_t>(length));
  return std::string(whole.substr(0, whole.find_first_of("\n,")));
}

void throw_mpi_error(int code, const std::string& where) {
  fail<CommError>("{}: {}", where, mpi_error_text(code));
}

}  // namespace dusk::comm
