#include "comm/call_for_reports.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <sstream>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"

namespace dusk::comm {
namespace {

namespace fs = std::filesystem;

constexpr const char* kClosed = "call-closed";

fs::path call_path(const fs::path& folder) {
  return folder / "call";
}

}  // namespace

CallForReports make_call(const fs::path& folder, const CallForReports& call) {
  const fs::path own = folder / fmt::format("call-{:04d}", call.rank);
  publish(own, fmt::format("{} {} {}\n", call.launch, call.rank, call.reason));
  // A second name for the same file: of all ranks that try, one succeeds, also on NFS.
  const bool first = ::link(own.c_str(), call_path(folder).c_str()) == 0;
  std::error_code ignored;
  fs::remove(own, ignored);
  if (first) return call;
  return find_call(folder, call.launch).value_or(call);
}

std::optional<CallForReports> find_call(const fs::path& folder, const std::string& launch) {
  std::error_code error;
  if (!fs::exists(call_path(folder), error)) return std::nullopt;
  std::istringstream text(read_text(call_path(folder)));
  CallForReports call;
  text >> call.launch >> call.rank;
  text.ignore();
  std::getline(text, call.reason);
  if (!text || call.launch != launch) return std::nullopt;
  return call;
}

void close_call(const fs::path& folder) {
  publish(folder / kClosed, std::string_view());
}

bool is_closed(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / kClosed, ignored);
}

void clear_reports(const fs::path& folder) {
  make_directories(folder);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("call") || name.starts_with("rank-")) fs::remove(entry.path(), ignored);
  }
}

}  // namespace dusk::comm
