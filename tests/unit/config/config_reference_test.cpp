#include "dusk/config/config_reference.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support/expect_error.hpp"
#include "unit/config/example_config.hpp"

namespace dusk {
namespace {

using example::Experiment;

TEST(ConfigReference, ListsEveryKey) {
  EXPECT_EQ(
      reference<Experiment>(),
      "| Key | Type | Default | Meaning |\n"
      "|---|---|---|---|\n"
      "| `name` | text | `unnamed` | shown in tables |\n"
      "| `deterministic` | `true` or `false` | `false` | same bytes at the price of speed |\n"
      "| `seed` | integer | `1` | of everything random |\n"
      "| `workers` | integer | `2` | threads that decode |\n"
      "| `streams` | list of: section | `[]` | training data |\n"
      "| `streams[].path` | path | required | folder of the shards |\n"
      "| `streams[].batch` | integer, >= 1 | `4` | global batch |\n"
      "| `sets` | map of names to: section | `{}` | validation data by name |\n"
      "| `sets.<name>.path` | path | required | folder of the shards |\n"
      "| `sets.<name>.batch` | integer, >= 1 | `4` | global batch |\n"
      "| `teacher` | section, or `~` for none | none | a second optimizer |\n"
      "| `teacher.kind` | one of `sgd`, `adamw` | `sgd` | update rule |\n"
      "| `teacher.lr` | number, > 0 | `0.02` | peak learning rate |\n"
      "| `teacher.clip` | number, > 0, or `~` for none | none | largest norm of the gradient |\n"
      "| `teacher.warmup` | text | `20 steps` | length of the linear rise |\n"
      "| `teacher.milestones` | list of: number, in [0, 1] | `[0.5, 0.75]` | shares of the run "
      "at which lr drops |\n"
      "\n## `optim`\n\nThe optimizer.\n\n"
      "| Key | Type | Default | Meaning |\n"
      "|---|---|---|---|\n"
      "| `optim.kind` | one of `sgd`, `adamw` | `sgd` | update rule |\n"
      "| `optim.lr` | number, > 0 | `0.02` | peak learning rate |\n"
      "| `optim.clip` | number, > 0, or `~` for none | none | largest norm of the gradient |\n"
      "| `optim.warmup` | text | `20 steps` | length of the linear rise |\n"
      "| `optim.milestones` | list of: number, in [0, 1] | `[0.5, 0.75]` | shares of the run "
      "at which lr drops |\n"
      "\n## `crop`\n\nWhat is cut from an image.\n\n"
      "| Key | Type | Default | Meaning |\n"
      "|---|---|---|---|\n"
      "| `crop.smallest` | integer, > 0 | `256` | least height in pixels |\n"
      "| `crop.largest` | integer, > 0 | `512` | greatest height in pixels |\n");
}

struct Odd {
  std::string text = "a|b";
  std::vector<example::Stream> streams = {{"x", 1}, {"y", 2}};
};
template <class V>
void describe(V& v, Odd& o) {
  v.field("text", o.text, "either | or");
  v.field("streams", o.streams, "two");
}

TEST(ConfigReference, CellsStayCells) {
  const std::string page = reference<Odd>();
  test::expect_contains(page, "| `text` | text | `\"a\\|b\"` | either \\| or |\n");
  test::expect_contains(page, "| `streams` | list of: section | 2 entries | two |\n");
}

}  // namespace
}  // namespace dusk
