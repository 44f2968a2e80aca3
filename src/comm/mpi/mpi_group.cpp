#include "comm/mpi/mpi_group.hpp"

#include "comm/mpi/mpi_check.hpp"

namespace dusk::comm {
namespace {

/// For calls whose operation has no name of its own yet.
auto doing(const char* what) {
  return [what] { return std::string("MPI, ") + what; };
}

MpiGroup with_return_codes(MPI_Comm comm) {
  MpiGroup group(comm);
  if (group) check_mpi(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN), doing("error handler"));
  return group;
}

}  // namespace

int MpiGroup::rank() const {
  int rank = 0;
  check_mpi(MPI_Comm_rank(comm_, &rank), doing("rank of a group"));
  return rank;
}

int MpiGroup::size() const {
  int size = 0;
  check_mpi(MPI_Comm_size(comm_, &size), doing("size of a group"));
  return size;
}

MpiGroup MpiGroup::copy_of(MPI_Comm comm) {
  MPI_Comm copy = MPI_COMM_NULL;
  check_mpi(MPI_Comm_dup(comm, &copy), doing("copy of a group"));
  return with_return_codes(copy);
}

MpiGroup MpiGroup::split(int color, int key) const {
  MPI_Comm part = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split(comm_, color < 0 ? MPI_UNDEFINED : color, key, &part),
            doing("split of a group"));
  return with_return_codes(part);
}

MpiGroup MpiGroup::on_this_node() const {
  MPI_Comm node = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(comm_, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node),
            doing("ranks of this node"));
  return with_return_codes(node);
}

std::int64_t MpiGroup::least(std::int64_t value) const {
  check_mpi(MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT64_T, MPI_MIN, comm_), doing("minimum"));
  return value;
}

}  // namespace dusk::comm
