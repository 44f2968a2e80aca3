#include <string>
#include <string_view>
#include <vector>

#include "dusk/base/error.hpp"
#include "dusk/io/pickle.hpp"
#include "fuzz/scratch_file.hpp"
#include "fuzz/target.hpp"
#include "fuzz/torch_tensors.hpp"

namespace dusk::fuzz {
namespace {

using namespace std::string_view_literals;

/// The pickle as the object of a plain stream of `torch.save`, where no checksum guards it, with
/// one storage of four floats under the key "0".
bool read_in_stream(std::string_view pickle) {
  const std::string stream = std::string(
                                 "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
                                 "\x80\2M\xe9\x03."
                                 "\x80\2}X\x0d\0\0\0little_endian\x88s."sv) +
                             std::string(pickle) +
                             std::string(
                                 "\x80\2]X\1\0\0\0"
                                 "0a."
                                 "\4\0\0\0\0\0\0\0"
                                 "0000111122223333"sv);
  static ScratchFile file;
  file.replace(std::as_bytes(std::span(stream)));
  return read_torch_file(file.path());
}

/// Every value that can be reached in a step from a node, so that no text dangles.
void visit(const Pickle& pickle) {
  std::size_t letters = 0;
  for (const PickleNode& node : pickle.nodes) {
    for (const PickleValue& value : node.items) letters += kind_text(value).size();
    for (const auto& [key, value] : node.entries) {
      letters += kind_text(key).size() + kind_text(value).size();
      if (const auto* text = std::get_if<std::string_view>(&key)) {
        if (find_entry(node, *text) == nullptr) report("a key is not found");
      }
    }
    letters += node.module.size() + node.name.size() + kind_text(node.callee).size() +
               kind_text(node.arguments).size() + kind_text(node.state).size();
  }
  if (letters == 0 && !pickle.nodes.empty()) report("values without a kind");
}

}  // namespace

bool read(std::span<const std::byte> bytes) {
  try {
    const Pickle pickle = parse_pickle(bytes, "fuzz", {.nodes = 10'000, .values = 100'000});
    if (pickle.size > bytes.size()) report("more was read than is there");
    visit(pickle);
  } catch (const DataError&) {
    return false;
  }
  (void)read_in_stream({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return true;
}

}  // namespace dusk::fuzz
