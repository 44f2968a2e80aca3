#include "headers/source_rules.hpp"

#include <gtest/gtest.h>

#include <string>

namespace dusk::lint {
namespace {

// The rules are shown code that breaks them: a rule that finds nothing in a clean tree may as well
// find nothing at all.

TEST(LayerRules, IncludesThatPointUpwardAreFound) {
  const SourceFile file{"src/comm/mpi/x.cpp",
                        "#include \"dusk/base/error.hpp\"\n"
                        "  #  include \"dusk/train/trainer.hpp\"\n"
                        "#include <dusk/nn/resnet.hpp>\n"};
  EXPECT_EQ(
      check_layers(file),
      (Violations{"src/comm/mpi/x.cpp:2: dusk/train/trainer.hpp: layer comm may not use train",
                  "src/comm/mpi/x.cpp:3: dusk/nn/resnet.hpp: layer comm may not use nn"}));
}

TEST(LayerRules, LowerIsNotEnoughTheTableMustGrantIt) {
  const auto fault = [](const std::string& path, const std::string& include) {
    return check_layers({path, "#include \"" + include + "\"\n"}).size();
  };
  EXPECT_EQ(fault("include/dusk/io/x.hpp", "dusk/device/device.hpp"), 1U);
  EXPECT_EQ(fault("include/dusk/report/x.hpp", "dusk/train/metric_sink.hpp"), 1U);
  EXPECT_EQ(fault("include/dusk/loss/x.hpp", "dusk/device/device.hpp"), 1U);
  EXPECT_EQ(fault("src/nn/x.cpp", "dusk/config/config.hpp"), 1U);
  EXPECT_EQ(fault("src/base/x.cpp", "dusk/config/config.hpp"), 1U);
  EXPECT_EQ(fault("src/train/x.cpp", "dusk/config/config.hpp"), 0U);
  EXPECT_EQ(fault("src/methods/x.cpp", "dusk/train/method.hpp"), 0U);
  EXPECT_EQ(fault("src/data/x.cpp", "dusk/io/shard.hpp"), 0U);
  EXPECT_EQ(fault("src/data/x.cpp", "dusk/nolayer/shard.hpp"), 1U);
  EXPECT_EQ(fault("src/data/x.cpp", "launch/commands.hpp"), 1U);
  EXPECT_EQ(fault("src/data/x.cpp", "sharding/source.hpp"), 1U);
  EXPECT_EQ(fault("src/surprise/x.cpp", "dusk/base/error.hpp"), 1U);
  EXPECT_EQ(fault("launch/train.cpp", "dusk/train/trainer.hpp"), 0U);
}

TEST(LayerRules, PrivateHeadersStayPrivate) {
  EXPECT_EQ(check_layers({"src/comm/x.cpp", "#include \"comm/mpi/y.hpp\"\n"}), Violations{});
  EXPECT_EQ(check_layers({"src/ddp/x.cpp", "#include \"comm/mpi/y.hpp\"\n"}).size(), 1U);
  EXPECT_EQ(check_layers({"include/dusk/comm/x.hpp", "#include \"comm/mpi/y.hpp\"\n"}).size(), 1U);
}

TEST(ThirdPartyRules, HeadersOutsideTheirLayerAreFound) {
  const auto faults = [](const std::string& path, const std::string& include) {
    return check_third_party({path, "#include <" + include + ">\n"}).size();
  };
  EXPECT_EQ(faults("src/base/x.cpp", "ATen/core/Tensor.h"), 1U);
  EXPECT_EQ(faults("include/dusk/io/x.hpp", "c10/core/Device.h"), 1U);
  EXPECT_EQ(faults("include/dusk/train/x.hpp", "mpi.h"), 1U);
  EXPECT_EQ(faults("src/train/x.cpp", "yaml-cpp/yaml.h"), 1U);
  EXPECT_EQ(faults("src/train/x.cpp", "opencv2/core.hpp"), 1U);
  EXPECT_EQ(faults("src/data/x.cpp", "torch/torch.h"), 1U);
  EXPECT_EQ(faults("launch/x.cpp", "torch/torch.h"), 1U);
  EXPECT_EQ(faults("src/config/x.cpp", "yaml-cpp/parser.h"), 0U);
  EXPECT_EQ(faults("src/comm/x.cpp", "mpi.h"), 0U);
  EXPECT_EQ(faults("src/io/x.cpp", "vector"), 0U);
  EXPECT_EQ(faults("launch/x.cpp", "mpi.h"), 0U);
}

TEST(EnvironmentRule, ReadersAreFound) {
  const std::string text = "int a;\nconst char* home = std::getenv(\"HOME\");\n";
  EXPECT_EQ(check_environment({"src/io/x.cpp", text}).size(), 1U);
  EXPECT_EQ(check_environment({"launch/x.cpp", text}).size(), 1U);
  EXPECT_EQ(check_environment({"src/base/environment.cpp", text}).size(), 0U);
  EXPECT_EQ(check_environment({"src/io/x.cpp", "Environment environment;\n"}).size(), 0U);
}

TEST(LengthRule, LongFilesAreFound) {
  std::string text;
  for (int line = 0; line < 500; ++line) text += "x\n";
  EXPECT_EQ(check_length({"a.cpp", text}), Violations{});
  EXPECT_EQ(check_length({"a.cpp", text + "x"}), Violations{"a.cpp:501: 501 lines, at most 500"});
}

TEST(StandardHeaderRule, MissingOnesAreFoundOnce) {
  const SourceFile file{"include/dusk/nn/x.hpp",
                        "#include <string_view>\n/// A std::map in a comment.\n"
                        "std::string_view a;\nstd::vector<int> b;\nstd::vector<int> c;\n"};
  EXPECT_EQ(check_standard_headers(file),
            Violations{"include/dusk/nn/x.hpp:4: std::vector without #include <vector>"});
  EXPECT_EQ(check_standard_headers({"src/nn/x.hpp", file.text}), Violations{});
  EXPECT_EQ(check_standard_headers({"include/dusk/nn/x.hpp", "std::string a;"}).size(), 1U);
}

}  // namespace
}  // namespace dusk::lint
