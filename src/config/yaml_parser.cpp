#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <sstream>

#include "config/text.hpp"
#include "dusk/base/error.hpp"
#include "dusk/config/config_node.hpp"

namespace dusk {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxWeight = std::size_t{8} << 20;
constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kNodeWeight = sizeof(ConfigNode::Entry);

/// Memory of a subtree, roughly. Every copy that an anchor or alias asks for is paid with it.
std::size_t weight(const ConfigNode& node) {
  std::size_t sum = kNodeWeight + node.text.size();
  for (const ConfigNode& item : node.items) sum += weight(item);
  for (const auto& [key, value] : node.entries) sum += key.size() + weight(value);
  return sum;
}

/// Builds the tree from yaml-cpp's events. Its own `YAML::Node` would accept duplicate keys, lose
/// the line of a key and follow aliases without a bound.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const std::string& source) : source_(source) {}

  [[nodiscard]] ConfigNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    spend(mark, kNodeWeight);
    add(mark, anchor, ConfigNode{});
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) refuse(mark, "an alias inside its own anchor");
    spend(mark, weight(found->second));
    add(mark, 0, found->second);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const bool is_quoted = tag == "!";
    if (!is_quoted) refuse_tag(mark, tag);
    if (value.find('\0') != std::string::npos) refuse(mark, "a NUL character in a text");
    spend(mark, kNodeWeight + value.size());
    add(mark, anchor, ConfigNode::scalar(value, is_quoted));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, ConfigNode::list());
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, ConfigNode::map());
  }
  void OnMapEnd() override { close(); }

 private:
  /// A list or map that is being read; `mark` is where it began.
  struct Frame {
    ConfigNode node;
    YAML::Mark mark;
    YAML::anchor_t anchor = 0;
    bool has_key = false;
    std::string key;
    std::string key_origin;
  };

  [[noreturn]] void refuse(const YAML::Mark& mark, std::string_view what) const {
    fail<ConfigError>("{}: {} is not allowed here", origin(mark), what);
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (!tag.empty() && tag != "?") refuse(mark, "the tag " + in_quotes(tag));
  }

  [[nodiscard]] std::string origin(const YAML::Mark& mark) const {
    return fmt::format("{}:{}", source_, mark.line + 1);
  }

  void spend(const YAML::Mark& mark, std::size_t amount) {
    weight_ += amount;
    if (weight_ > kMaxWeight) {
      fail<ConfigError>("{}: the document is too large: it unfolds to more than {} MiB",
                        origin(mark), kMaxWeight >> 20);
    }
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            ConfigNode node) {
    refuse_tag(mark, tag);
    if (frames_.size() >= kMaxDepth) {
      fail<ConfigError>("{}: lists and maps are nested deeper than {} levels", origin(mark),
                        kMaxDepth);
    }
    spend(mark, kNodeWeight);
    frames_.push_back({std::move(node), mark, anchor, false, {}, {}});
  }

  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    add(frame.mark, frame.anchor, std::move(frame.node));
  }

  /// Puts a finished node where it belongs: the root, a list, or a map as key or as value.
  void add(const YAML::Mark& mark, YAML::anchor_t anchor, ConfigNode node) {
    if (node.origin.empty()) node.origin = origin(mark);
    if (anchor != 0) {
      spend(mark, weight(node));
      anchors_[anchor] = node;
    }
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& parent = frames_.back();
    if (parent.node.kind == ConfigNode::Kind::list) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.has_key) {
      take_key(parent, mark, node);
    } else {
      node.origin = std::move(parent.key_origin);
      parent.node.add(std::move(parent.key), std::move(node));
      parent.has_key = false;
    }
  }

  void take_key(Frame& map, const YAML::Mark& mark, ConfigNode& node) const {
    if (node.kind != ConfigNode::Kind::scalar) refuse(mark, "a key that is no text");
    if (node.text == "<<" && !node.quoted) refuse(mark, "a merge key (use include:)");
    if (const ConfigNode* twin = map.node.find(node.text)) {
      fail<ConfigError>("{}: duplicate key {}; the first is at {}", origin(mark),
                        in_quotes(node.text), twin->origin);
    }
    map.has_key = true;
    map.key = std::move(node.text);
    map.key_origin = origin(mark);
  }

  const std::string& source_;
  ConfigNode root_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, ConfigNode> anchors_;
  std::size_t weight_ = 0;
};

void check_bytes(std::string_view text, const std::string& source) {
  if (text.size() > kMaxBytes) {
    fail<ConfigError>("{}: {} bytes are too much for a configuration (at most {} MiB)", source,
                      text.size(), kMaxBytes >> 20);
  }
  if (const auto offset = first_bad_byte(text)) {
    const auto line = 1 + std::count(text.begin(), text.begin() + std::ptrdiff_t(*offset), '\n');
    fail<ConfigError>("{}:{}: byte 0x{:02x} is no UTF-8 text; is this a YAML file?", source, line,
                      static_cast<unsigned char>(text[*offset]));
  }
}

}  // namespace

ConfigNode parse_yaml(std::string_view text, const std::string& source) {
  check_bytes(text, source);
  std::istringstream stream{std::string(text)};
  TreeBuilder builder(source);
  try {
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    ConfigNode root = builder.take();
    TreeBuilder second(source);
    if (parser.HandleNextDocument(second)) {
      fail<ConfigError>("{}: more than one YAML document; a configuration is a single one", source);
    }
    return root;
  } catch (const YAML::Exception& error) {
    fail<ConfigError>("{}:{}: not valid YAML: {}", source, error.mark.line + 1, error.msg);
  }
}

}  // namespace dusk
