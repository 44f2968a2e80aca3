#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace dusk::comm {

/// A rank's word to all others that everybody writes a report now: the file `call` in the folder of
/// the reports. It works on every shared file system and needs no rank to be in a collective.
struct CallForReports {
  std::string launch;
  int rank = 0;
  std::string reason;
};

/// Makes the call unless another rank of this launch was faster. Returns the one that stands.
[[nodiscard]] CallForReports make_call(const std::filesystem::path& folder,
                                       const CallForReports& call);
/// The call that stands, when it is of this launch.
[[nodiscard]] std::optional<CallForReports> find_call(const std::filesystem::path& folder,
                                                      const std::string& launch);
/// The rank that called has seen all answers that it waits for. A rank that was stopped until then,
/// and is woken to be ended, must not answer any more: it would report that it is well.
void close_call(const std::filesystem::path& folder);
[[nodiscard]] bool is_closed(const std::filesystem::path& folder);
/// Removes the calls and reports of earlier launches; makes the folder.
void clear_reports(const std::filesystem::path& folder);

}  // namespace dusk::comm
