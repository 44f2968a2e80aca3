#include "dusk/nn/sliding_window.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "closed_form.hpp"
#include "dusk/base/error.hpp"

namespace dusk {
namespace {

/// Scores at half the resolution that depend on where in its window a pixel is.
at::Tensor network(const at::Tensor& images) {
  const at::Tensor places = test::closed_form("places", {1, 3, images.size(2), images.size(3)});
  return at::avg_pool2d(images * places, 2, 2, 0, /*ceil_mode=*/true);
}

/// Window by window and pixel by pixel.
at::Tensor naive(const at::Tensor& image, std::int64_t side, std::int64_t stride) {
  const std::int64_t height = image.size(1), width = image.size(2);
  const std::int64_t h = std::min(side, height), w = std::min(side, width);
  at::Tensor mean = at::zeros({3, height, width});
  at::Tensor seen = at::zeros({height, width});
  for (std::int64_t y = 0;; y += stride) {
    const std::int64_t top = std::min(y, height - h);
    for (std::int64_t x = 0;; x += stride) {
      const std::int64_t left = std::min(x, width - w);
      const at::Tensor window = image.slice(1, top, top + h).slice(2, left, left + w);
      const at::Tensor logits =
          at::upsample_bilinear2d(network(window.unsqueeze(0)), {h, w}, false)[0];
      for (std::int64_t i = 0; i < h; ++i) {
        for (std::int64_t j = 0; j < w; ++j) {
          const at::Tensor pixel = mean.select(1, top + i).select(1, left + j);
          at::Tensor count = seen[top + i][left + j];
          pixel.mul_(count).add_(logits.select(1, i).select(1, j)).div_(count + 1);
          count.add_(1);
        }
      }
      if (left == width - w) break;
    }
    if (top == height - h) break;
  }
  return mean;
}

TEST(SlidingWindow, AveragesAsALoopOverWindowsAndPixels) {
  const at::Tensor images = test::closed_form("images", {2, 3, 19, 30});
  struct Case {
    std::int64_t window, stride;
    std::size_t windows;
  };
  for (const auto& [window, stride, windows] :
       {Case{8, 5, 4 * 6}, Case{12, 12, 2 * 3}, Case{24, 4, 3}, Case{8, 0, 4 * 7}}) {
    const at::Tensor expected = at::stack({naive(images[0], window, stride ? stride : window / 2),
                                           naive(images[1], window, stride ? stride : window / 2)});
    for (const std::int64_t batch : {1, 4, 100}) {
      std::size_t seen = 0;
      const auto predict = [&](const at::Tensor& rows) {
        EXPECT_LE(rows.size(0), 2 * batch);
        seen += static_cast<std::size_t>(rows.size(0)) / 2;
        return network(rows);
      };
      const at::Tensor logits =
          sliding_logits(predict, images, {.window = window, .stride = stride, .batch = batch});
      EXPECT_TRUE(at::allclose(logits, expected, 1e-5, 1e-6)) << window << " " << stride;
      EXPECT_EQ(seen, windows);
    }
  }
}

TEST(SlidingWindow, AveragesInFullPrecisionWithoutGradients) {
  const at::Tensor images = test::closed_form("images", {1, 3, 6, 10}).requires_grad_(true);
  const auto predict = [](const at::Tensor& rows) { return network(rows).to(at::kBFloat16); };
  const at::Tensor logits = sliding_logits(predict, images, {.window = 6, .stride = 2});
  EXPECT_EQ(logits.scalar_type(), at::kFloat);
  EXPECT_FALSE(logits.requires_grad());
}

TEST(SlidingWindow, OfOnePixelMovesOnByOne) {
  const at::Tensor images = test::closed_form("images", {1, 3, 2, 3});
  const auto predict = [](const at::Tensor& rows) { return rows; };
  EXPECT_TRUE(at::equal(sliding_logits(predict, images, {.window = 1}), images));
}

TEST(SlidingWindow, LeavesAloneWhatOneWindowShows) {
  const at::Tensor images = test::closed_form("images", {1, 3, 6, 8});
  for (const std::int64_t window : {0, 8, 9}) {
    EXPECT_TRUE(at::equal(sliding_logits(network, images, {.window = window}), network(images)));
  }
  EXPECT_THROW(sliding_logits(network, images, {.window = 4, .stride = 5}), ConfigError);
}

/// dsrnss 8.4: HRDA sees a picture of Dark Zurich in three windows, one of Cityscapes in four.
TEST(WindowStarts, MoveTheLastWindowBack) {
  using Starts = std::vector<std::int64_t>;
  EXPECT_EQ(window_starts(1920, 1080, 420), (Starts{0, 420, 840}));
  EXPECT_EQ(window_starts(1080, 1080, 420), (Starts{0}));
  EXPECT_EQ(window_starts(2048, 1080, 420), (Starts{0, 420, 840, 968}));
  EXPECT_EQ(window_starts(700, 1080, 420), (Starts{0}));
  EXPECT_EQ(window_starts(1081, 1080, 420), (Starts{0, 1}));
  EXPECT_THROW((void)window_starts(8, 4, 0), InternalError);
}

}  // namespace
}  // namespace dusk
