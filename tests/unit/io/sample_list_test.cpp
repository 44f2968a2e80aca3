#include "dusk/io/sample_list.hpp"

#include <gtest/gtest.h>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"

namespace dusk {
namespace {

using test::expect_contains;
using test::message_of;
using Names = std::vector<std::string>;

TEST(SampleList, IsReadAsItWasWritten) {
  const test::TempFolder folder;
  const auto path = folder / "list.json";
  write_sample_list(path,
                    {.made_by = R"({"rule":"band"})",
                     .samples = {{"a \"quoted\"/é", 0.1 + 0.2, true}, {"b", -1e-300, false}}});
  const SampleList list = read_sample_list(path);
  EXPECT_EQ(list.made_by, R"({"rule":"band"})");
  ASSERT_EQ(list.samples.size(), 2U);
  EXPECT_EQ(list.samples[0].name, "a \"quoted\"/é");
  EXPECT_EQ(list.samples[0].score, 0.1 + 0.2);
  EXPECT_EQ(list.samples[1].score, -1e-300);
  EXPECT_EQ(chosen_names(list), Names{"a \"quoted\"/é"});
  expect_contains(read_text(path), "\"candidates\": 2, \"chosen\": 1");
}

TEST(SampleList, MayBeWrittenByHand) {
  const test::TempFolder folder;
  const auto path = folder.write("list.txt", "# night\ntrain/a\r\n\ntrain/b  \n");
  EXPECT_EQ(chosen_names(read_sample_list(path)), (Names{"train/a", "train/b"}));
}

TEST(SampleList, HostileListsAreDataErrorsThatNameThePlace) {
  const test::TempFolder folder;
  const auto refusal = [&](const std::string& text) {
    const auto path = folder.write("list", text);
    return message_of<DataError>([&] { (void)read_sample_list(path); });
  };
  const std::string head = R"({"format": "dusk-sample-list", "version": 1, "samples": )";
  expect_contains(refusal("{\"a\": 1}"), "list: not a list of samples");
  expect_contains(refusal(R"({"format": "dusk-sample-list", "version": 2, "samples": []})"),
                  "another version than 1");
  expect_contains(refusal(head + "7}"), "'samples' is not a list");
  expect_contains(refusal(head + R"([{"name": "a", "score": 1}]})"), "sample 0: not a sample with");
  expect_contains(refusal(head + R"([{"name": "a", "score": "1", "chosen": true}]})"), "sample 0");
  expect_contains(refusal(head + R"([{"name": "a", "score": 1, "chosen": false}]})"),
                  "it chooses no sample");
  expect_contains(refusal("a\nb\na\n"), "sample 'a' is listed twice");
  expect_contains(refusal(std::string("a\0b", 3)), "byte 1");
  expect_contains(refusal(""), "it chooses no sample");
  EXPECT_THROW((void)read_sample_list(folder / "absent"), StorageError);
}

}  // namespace
}  // namespace dusk
