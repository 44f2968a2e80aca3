#include "comm/host_stacks.hpp"

#include <dlfcn.h>
#include <execinfo.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "comm/elf_symbols.hpp"
#include "dusk/base/error.hpp"

namespace dusk::comm {
namespace {

namespace fs = std::filesystem;

constexpr int kFrames = 64;
constexpr int kOwnFrames = 2;  ///< the handler and the kernel's return path
constexpr std::chrono::seconds kPatience{1};

/// Where one thread writes its stack. Its address travels with the signal.
struct Slot {
  int thread = 0;
  int frames = 0;
  std::array<void*, kFrames> addresses{};
  std::atomic<bool> written{false};
};

/// Signals sent. In the words of C++ a signal orders nothing between two threads: what was written
/// to a slot before it is sent happens before the handler by this.
std::atomic<std::uint64_t> sent{0};

/// In a signal handler: no allocation, no lock. `backtrace` has loaded what it needs before.
void write_stack(int /*signal*/, siginfo_t* info, void* /*context*/) {
  if (info->si_code != SI_QUEUE || info->si_pid != ::getpid()) return;
  const int error = errno;
  (void)sent.load(std::memory_order_acquire);
  auto* slot = static_cast<Slot*>(info->si_value.sival_ptr);
  slot->frames = ::backtrace(slot->addresses.data(), kFrames);
  slot->written.store(true, std::memory_order_release);
  errno = error;
}

bool ask(Slot& slot) {
  siginfo_t info{};
  info.si_signo = stack_signal();
  info.si_code = SI_QUEUE;
  info.si_pid = ::getpid();
  info.si_uid = ::getuid();
  info.si_value.sival_ptr = &slot;
  sent.fetch_add(1, std::memory_order_release);
  return ::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), slot.thread, stack_signal(), &info) == 0;
}

std::string first_line(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

/// Value of "Name:\tvalue" in /proc/.../status.
std::string status_of(const fs::path& task, std::string_view name) {
  std::ifstream stream(task / "status");
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with(name) || line.size() <= name.size() + 2) continue;
    return line.substr(name.size() + 2);
  }
  return {};
}

bool blocks_signal(const fs::path& task) {
  const std::uint64_t mask = std::strtoull(status_of(task, "SigBlk").c_str(), nullptr, 16);
  return (mask >> (stack_signal() - 1) & 1) != 0;
}

/// Names of code addresses; reads the symbols of a file when the first address in it comes.
class Names {
 public:
  /// "dusk::Trainer::step() (dusk+0x12ab)".
  [[nodiscard]] std::string of(void* address) {
    Dl_info info{};
    if (::dladdr(address, &info) == 0 || info.dli_fname == nullptr) {
      return fmt::format("{}", address);
    }
    const std::uint64_t offset = reinterpret_cast<std::uintptr_t>(address) -
                                 reinterpret_cast<std::uintptr_t>(info.dli_fbase);
    const std::string place =
        fmt::format("{}+{:#x}", fs::path(info.dli_fname).filename().string(), offset);
    const std::string name = info.dli_sname != nullptr
                                 ? demangled(info.dli_sname)
                                 : symbols_of(info.dli_fname).function_at(offset);
    return name.empty() ? place : fmt::format("{} ({})", name, place);
  }

 private:
  const ElfSymbols& symbols_of(const char* file) {
    const auto found = files_.find(file);
    if (found != files_.end()) return found->second;
    try {
      return files_.emplace(file, ElfSymbols(is_this_program(file) ? "/proc/self/exe" : file))
          .first->second;
    } catch (const StorageError&) {
      return files_.emplace(file, ElfSymbols()).first->second;  // no file: the kernel's own code
    }
  }

  /// A program that was found by PATH is not found by the name it was started with.
  [[nodiscard]] static bool is_this_program(const char* file) {
    Dl_info own{};
    return ::dladdr(reinterpret_cast<const void*>(&write_stack), &own) != 0 &&
           std::string_view(own.dli_fname) == file;
  }

  std::map<std::string, ElfSymbols> files_;
};

ThreadReport report_of(const Slot& slot, const fs::path& task, Names& names) {
  ThreadReport report{.id = slot.thread, .name = first_line(task / "comm"), .frames = {}};
  if (!slot.written.load(std::memory_order_acquire)) {
    report.frames.push_back(fmt::format("no answer: state {}, kernel function {}",
                                        status_of(task, "State"), first_line(task / "wchan")));
    return report;
  }
  for (int i = std::min(kOwnFrames, slot.frames); i < slot.frames; ++i) {
    report.frames.push_back(names.of(slot.addresses[static_cast<std::size_t>(i)]));
  }
  return report;
}

}  // namespace

int stack_signal() noexcept {
  constexpr int kOffset = 9;  // of no library that we link
  return SIGRTMIN + kOffset;
}

void answer_stack_signal() {
  std::array<void*, 4> frames{};
  ::backtrace(frames.data(), static_cast<int>(frames.size()));  // loads libgcc now
  struct sigaction action {};
  action.sa_sigaction = &write_stack;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  ::sigaction(stack_signal(), &action, nullptr);
}

std::vector<ThreadReport> host_stacks() {
  const fs::path tasks = "/proc/self/task";
  std::vector<std::unique_ptr<Slot>> slots;
  std::vector<Slot*> asked;
  std::error_code error;
  for (const auto& task : fs::directory_iterator(tasks, error)) {
    auto slot = std::make_unique<Slot>();
    slot->thread = std::atoi(task.path().filename().c_str());
    if (slot->thread == ::gettid()) continue;
    if (!blocks_signal(task.path()) && ask(*slot)) asked.push_back(slot.get());
    slots.push_back(std::move(slot));
  }
  const auto all_written = [&] {
    return std::all_of(asked.begin(), asked.end(), [](const Slot* slot) {
      return slot->written.load(std::memory_order_acquire);
    });
  };
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!all_written() && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::vector<ThreadReport> reports;
  Names names;
  for (auto& slot : slots) {
    reports.push_back(report_of(*slot, tasks / std::to_string(slot->thread), names));
    // A late answer must find its slot: that of a thread which has not answered is never freed.
    const bool late = !slot->written.load(std::memory_order_acquire) &&
                      std::find(asked.begin(), asked.end(), slot.get()) != asked.end();
    if (late) [[maybe_unused]]
      const Slot* kept = slot.release();
  }
  return reports;
}

}  // namespace dusk::comm
