#include <torch/nn/module.h>

#include <algorithm>
#include <set>

#include "dusk/base/error.hpp"
#include "dusk/optim/optimizer.hpp"

namespace dusk {
namespace {

/// Index of the first rule for `name`, or the number of rules.
std::size_t rule_of(const std::vector<GroupRule>& rules, const std::string& name) {
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const GroupRule& rule) {
    return matches_pattern(rule.match, name);
  });
  return static_cast<std::size_t>(found - rules.begin());
}

ParameterGroup& group_for(std::vector<ParameterGroup>& groups, double lr_factor,
                          double weight_decay) {
  const auto found = std::find_if(groups.begin(), groups.end(), [&](const ParameterGroup& group) {
    return group.lr_factor == lr_factor && group.weight_decay == weight_decay;
  });
  if (found != groups.end()) return *found;
  return groups.emplace_back(ParameterGroup{{}, lr_factor, weight_decay});
}

void check_rules_used(const std::vector<GroupRule>& rules, const std::vector<bool>& used,
                      const std::vector<NamedParameter>& parameters) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (used[i]) continue;
    const bool shadowed =
        std::any_of(parameters.begin(), parameters.end(), [&](const NamedParameter& parameter) {
          return matches_pattern(rules[i].match, parameter.name);
        });
    fail<ConfigError>(
        "optim.groups: '{}' {}; parameters are named like '{}' and '{}'", rules[i].match,
        shadowed ? "only matches parameters that an earlier rule takes" : "matches no parameter",
        parameters.front().name, parameters.back().name);
  }
}

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;  // position after the last '*'
  std::size_t resume = 0;                     // where that '*' stops eating so far
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      resume = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star;
      n = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::vector<NamedParameter> trainable_parameters(const torch::nn::Module& module,
                                                 const std::string& prefix) {
  std::vector<NamedParameter> parameters;
  for (const auto& item : module.named_parameters()) {
    if (item.value().requires_grad()) parameters.push_back({prefix + item.key(), item.value()});
  }
  return parameters;
}

std::vector<ParameterGroup> group_parameters(const OptimOptions& options,
                                             const std::vector<NamedParameter>& parameters) {
  std::vector<ParameterGroup> groups;
  std::vector<bool> used(options.groups.size(), false);
  std::set<std::string> seen;
  for (const NamedParameter& parameter : parameters) {
    if (!seen.insert(parameter.name).second) {
      fail<InternalError>("two parameters are named '{}'", parameter.name);
    }
    double lr_factor = 1;
    double weight_decay = options.weight_decay;
    const std::size_t rule = rule_of(options.groups, parameter.name);
    if (rule < options.groups.size()) {
      used[rule] = true;
      lr_factor = options.groups[rule].lr_factor;
      weight_decay = options.groups[rule].weight_decay.value_or(weight_decay);
    }
    if (!options.decay_vectors && parameter.tensor.dim() <= 1) weight_decay = 0;
    group_for(groups, lr_factor, weight_decay).parameters.push_back(parameter);
  }
  if (!parameters.empty()) check_rules_used(options.groups, used, parameters);
  return groups;
}

}  // namespace dusk
