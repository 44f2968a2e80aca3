#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <sstream>

#include "dusk/base/error.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/comm/watchdog.hpp"

namespace dusk {
namespace {

struct Process {
  char state = 'X';
  std::uint64_t started = 0;
};

/// Fields 3 and 22 of /proc/PID/stat; the second field, a name in parentheses, may hold anything.
/// A process that is not there has the state X.
Process look_up(int process) {
  std::ifstream stream(fmt::format("/proc/{}/stat", process));
  std::string text;
  std::getline(stream, text);
  const auto end = text.rfind(')');
  if (end == std::string::npos) return {};
  std::istringstream fields(text.substr(end + 1));
  Process found;
  fields >> found.state;
  std::string skipped;
  constexpr int kBetween = 18;
  for (int i = 0; i < kBetween; ++i) fields >> skipped;
  fields >> found.started;
  return found;
}

}  // namespace

Peer own_peer(int rank, std::string host) {
  const int process = ::getpid();
  return {rank, std::move(host), process, look_up(process).started};
}

std::vector<Peer> exchange_peers(Communicator& control, const std::string& host) {
  const Peer own = own_peer(control.rank(), host);
  const auto texts =
      all_gather_text(control, fmt::format("{} {} {}", own.process, own.started, own.host));
  std::vector<Peer> peers;
  for (const std::string& text : texts) {
    std::istringstream fields(text);
    Peer peer{.rank = static_cast<int>(peers.size()), .host = {}};
    fields >> peer.process >> peer.started >> peer.host;
    peers.push_back(std::move(peer));
  }
  return peers;
}

std::string state_of(const Peer& peer) {
  const Process found = look_up(peer.process);
  if (found.state == 'X' || found.state == 'Z' || found.started != peer.started) return "gone";
  return found.state == 'T' || found.state == 't' ? "stopped" : "running";
}

}  // namespace dusk
