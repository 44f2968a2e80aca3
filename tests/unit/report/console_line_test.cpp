#include "dusk/report/console_line.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>

namespace dusk {
namespace {

/// Runs `use` on a console line over a temporary file and returns what was written.
template <class Use>
std::string written(ConsoleOptions options, Use use) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
  {
    ConsoleLine line(file.get(), options);
    use(line);
  }
  std::string text(static_cast<std::size_t>(std::ftell(file.get())), '\0');
  std::rewind(file.get());
  EXPECT_EQ(std::fread(text.data(), 1, text.size(), file.get()), text.size());
  return text;
}

const ConsoleStatus kStatus{.step = 30,
                            .steps = 300,
                            .loss = 1.25,
                            .images_per_second = 31.24,
                            .seconds_left = 42,
                            .waiting_for_data = 0.004,
                            .waiting_for_exchange = 0.0123};

TEST(FormatStatus, ShowsEverythingAPersonWaitsFor) {
  EXPECT_EQ(format_status(kStatus),
            " 30/300  10%  loss 1.2500  31.2 img/s  ETA 42.0 s  data 0.4%  exchange 1.2%");
}

TEST(FormatStatus, SaysWhatItDoesNotKnow) {
  ConsoleStatus status = kStatus;
  status.steps = 0;
  status.loss = NAN;
  status.seconds_left = NAN;
  status.waiting_for_data = NAN;
  EXPECT_EQ(format_status(status), "step 30  loss nan  31.2 img/s  ETA -  data -  exchange 1.2%");
}

TEST(ConsoleLine, WritesPlainLinesWhereNobodyWatches) {
  const auto text = written({}, [](ConsoleLine& line) {
    line.show(kStatus);
    line.clear();
    line.show(kStatus);
  });
  EXPECT_EQ(text, format_status(kStatus) + "\n" + format_status(kStatus) + "\n");
}

TEST(ConsoleLine, RedrawsOneLineOnATerminal) {
  const auto text = written({.interactive = true, .width = 200}, [](ConsoleLine& line) {
    line.show(kStatus);
    line.show(kStatus);
  });
  const std::string drawn = "\r\x1b[2K" + format_status(kStatus);
  EXPECT_EQ(text, drawn + drawn + "\n");
}

TEST(ConsoleLine, GivesTheLineBackForAMessage) {
  const auto text = written({.interactive = true, .width = 200}, [](ConsoleLine& line) {
    line.show(kStatus);
    line.clear();
  });
  EXPECT_EQ(text, "\r\x1b[2K" + format_status(kStatus) + "\r\x1b[2K");
}

TEST(ConsoleLine, NeverWraps) {
  const auto text =
      written({.interactive = true, .width = 20}, [](ConsoleLine& line) { line.show(kStatus); });
  EXPECT_EQ(text, "\r\x1b[2K" + format_status(kStatus).substr(0, 19) + "\n");
}

TEST(ConsoleLine, ColoursOnlyWhenTold) {
  ConsoleStatus diverged = kStatus;
  diverged.loss = INFINITY;
  const auto text = written({.interactive = true, .color = true, .width = 200},
                            [&](ConsoleLine& line) { line.show(diverged); });
  EXPECT_NE(text.find("\x1b[31m"), std::string::npos);
  EXPECT_EQ(text.find("\x1b[0m\n"), text.size() - 5);
}

TEST(ConsoleLine, IsSilentWhenQuiet) {
  EXPECT_EQ(written({.interactive = true, .quiet = true},
                    [](ConsoleLine& line) {
                      line.show(kStatus);
                      line.finish();
                    }),
            "");
}

}  // namespace
}  // namespace dusk
