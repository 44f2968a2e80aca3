#pragma once

#include <mpi.h>

#include <string>

namespace dusk::comm {

/// MPI's own text for an error code.
[[nodiscard]] std::string mpi_error_text(int code);

/// For people: name and version of the MPI library, one line.
[[nodiscard]] std::string mpi_library();

/// Raises `CommError`: "rank 1/3 on node7: all-reduce of '...' (...): <MPI's text>".
[[noreturn]] void throw_mpi_error(int code, const std::string& where);

/// The only place where an MPI result is looked at: `check_mpi(MPI_Isend(...), where)`. `where()`
/// says rank, host and operation; it is called only when something went wrong.
template <class Where>
void check_mpi(int code, const Where& where) {
  if (code != MPI_SUCCESS) throw_mpi_error(code, where());
}

}  // namespace dusk::comm
