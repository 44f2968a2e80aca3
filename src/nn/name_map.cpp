#include "dusk/nn/name_map.hpp"

#include <fmt/ranges.h>

#include <cstring>
#include <map>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

/// The tensor's values with the blocks of every row (out, in, ...) in the opposite order.
std::vector<std::byte> with_reversed_blocks(const TensorRecord& tensor, std::int64_t blocks) {
  if (blocks < 1 || tensor.shape.size() < 2 || tensor.shape[1] % blocks != 0) {
    fail<ConfigError>("'{}' of shape ({}) has no dimension 1 of {} equal blocks", tensor.name,
                      fmt::join(tensor.shape, ", "), blocks);
  }
  std::vector<std::byte> reversed(tensor.bytes.size());
  const auto count = static_cast<std::size_t>(blocks);
  const std::size_t rows = count * static_cast<std::size_t>(tensor.shape[0]);
  if (reversed.empty()) return reversed;
  const std::size_t size = reversed.size() / rows;
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t mirrored = i / count * count + (count - 1 - i % count);
    std::memcpy(&reversed[mirrored * size], &tensor.bytes[i * size], size);
  }
  return reversed;
}

}  // namespace

std::optional<std::vector<std::string_view>> match_name(std::string_view pattern,
                                                        std::string_view name) {
  constexpr std::size_t kNone = std::string_view::npos;
  std::vector<std::string_view> stars;
  std::size_t p = 0, n = 0;
  std::size_t last_star = kNone;  // in the pattern; only this one may still grow
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      last_star = p++;
      stars.push_back(name.substr(n, 0));
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p, ++n;
    } else if (last_star != kNone) {
      const auto begin = static_cast<std::size_t>(stars.back().data() - name.data());
      stars.back() = name.substr(begin, stars.back().size() + 1);
      n = begin + stars.back().size();
      p = last_star + 1;
    } else {
      return std::nullopt;
    }
  }
  for (; p < pattern.size() && pattern[p] == '*'; ++p) stars.push_back(name.substr(n));
  if (p < pattern.size()) return std::nullopt;
  return stars;
}

bool matches_any(const std::vector<std::string>& patterns, std::string_view name) {
  return std::ranges::any_of(
      patterns, [&](const auto& pattern) { return match_name(pattern, name).has_value(); });
}

std::string renamed(const std::vector<NameRule>& rules, std::string_view name) {
  for (const NameRule& rule : rules) {
    const auto stars = match_name(rule.from, name);
    if (!stars) continue;
    std::string result;
    std::size_t next = 0;
    for (const char c : rule.to) {
      if (c != '*') {
        result += c;
      } else if (next < stars->size()) {
        result += (*stars)[next++];
      } else {
        fail<ConfigError>("rule '{}' -> '{}' has more * on its right", rule.from, rule.to);
      }
    }
    return result;
  }
  return std::string(name);
}

std::string_view wrapper_prefix(std::span<const TensorRecord> tensors) {
  constexpr std::string_view kWrapper = "module.";
  const bool is_wrapped = !tensors.empty() && std::ranges::all_of(tensors, [&](const auto& t) {
    return t.name.starts_with(kWrapper);
  });
  return is_wrapped ? kWrapper : std::string_view();
}

MappedTensors::MappedTensors(std::span<const TensorRecord> tensors) {
  for (const TensorRecord& tensor : tensors) items_.push_back({tensor, tensor.name});
  cut_prefix(wrapper_prefix(tensors));
}

void MappedTensors::cut_prefix(std::string_view prefix) {
  drop_if([&](const std::string& name) { return !name.starts_with(prefix); });
  for (Item& item : items_) item.tensor.name.erase(0, prefix.size());
}

void MappedTensors::apply(const NameMap& map) {
  drop_if([&](const std::string& name) { return matches_any(map.drop, name); });
  for (Item& item : items_) {
    for (const auto& [name, blocks] : map.reverse) {
      if (!match_name(name, item.tensor.name)) continue;
      item.reversed =
          std::make_shared<const std::vector<std::byte>>(with_reversed_blocks(item.tensor, blocks));
      item.tensor.bytes = *item.reversed;
      break;
    }
    item.tensor.name = renamed(map.rename, item.tensor.name);
  }
}

const std::vector<MappedTensors::Item>& MappedTensors::items() const {
  if (items_.empty()) fail<ConfigError>("no tensors are left");
  std::map<std::string_view, std::string_view> origins;
  for (const Item& item : items_) {
    const auto [place, is_new] = origins.emplace(item.tensor.name, item.origin);
    if (item.tensor.name.empty() || !is_new) {
      fail<ConfigError>("two tensors, or one without a name, for '{}': {} and {}", item.tensor.name,
                        place->second, item.origin);
    }
  }
  return items_;
}

std::vector<TensorRecord> MappedTensors::tensors() const {
  std::vector<TensorRecord> tensors;
  for (const Item& item : items()) tensors.push_back(item.tensor);
  return tensors;
}

void MappedTensors::drop_if(const std::function<bool(const std::string& name)>& unwanted) {
  std::erase_if(items_, [&](const Item& item) {
    const bool drop = unwanted(item.tensor.name);
    if (drop) dropped_.push_back(item.origin);
    return drop;
  });
}

}  // namespace dusk
