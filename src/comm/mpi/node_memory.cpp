#include "comm/mpi/node_memory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>

#include "comm/mpi/mpi_check.hpp"
#include "dusk/base/random.hpp"
#include "dusk/base/unique_handle.hpp"

namespace dusk::comm {
namespace {

using Name = std::array<char, 64>;

/// A name that no other job on this node uses; the object behind it exists only while the ranks
/// find each other.
Name choose_name(const MpiGroup& group) {
  Name name{};
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const auto unique =
      Random(static_cast<std::uint64_t>(now.tv_nsec),
             {static_cast<std::uint64_t>(now.tv_sec), static_cast<std::uint64_t>(::getpid())})
          .next();
  fmt::format_to_n(name.data(), name.size() - 1, "/dusk-{:016x}", unique);
  check_mpi(MPI_Bcast(name.data(), static_cast<int>(name.size()), MPI_CHAR, 0, group.get()),
            [] { return std::string("MPI, name of shared memory"); });
  return name;
}

/// posix_fallocate and not only a length: too little space must show now, not as SIGBUS later.
UniqueFd create_object(const Name& name, std::size_t bytes) {
  UniqueFd descriptor(::shm_open(name.data(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
  if (!descriptor) return descriptor;
  if (::posix_fallocate(descriptor.get(), 0, static_cast<off_t>(bytes)) != 0) {
    ::shm_unlink(name.data());
    descriptor.reset();
  }
  return descriptor;
}

}  // namespace

std::unique_ptr<NodeMemory> NodeMemory::create(const MpiGroup& group, std::size_t bytes) {
  const Name name = choose_name(group);
  const bool creator = group.rank() == 0;
  UniqueFd descriptor;
  if (creator) descriptor = create_object(name, bytes);
  const bool created = group.all_agree(!creator || static_cast<bool>(descriptor));
  if (!created) return nullptr;

  if (!creator) descriptor = UniqueFd(::shm_open(name.data(), O_RDWR | O_CLOEXEC, 0));
  void* address = MAP_FAILED;
  if (descriptor) {
    address = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.get(), 0);
  }
  const bool mapped = group.all_agree(address != MAP_FAILED);
  if (creator) ::shm_unlink(name.data());
  std::unique_ptr<NodeMemory> memory;
  if (address != MAP_FAILED) {
    memory.reset(new NodeMemory({static_cast<std::byte*>(address), bytes}));
  }
  return mapped ? std::move(memory) : nullptr;
}

NodeMemory::~NodeMemory() {
  ::munmap(bytes_.data(), bytes_.size());
}

}  // namespace dusk::comm
