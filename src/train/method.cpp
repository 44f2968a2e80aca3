#include "dusk/train/method.hpp"

#include <string_view>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

std::string_view trained_by(const Method& method) {
  if (dynamic_cast<const SegmentationMethod*>(&method) != nullptr) return "a segmentation network";
  if (dynamic_cast<const TranslationMethod*>(&method) != nullptr) return "a translator of pictures";
  return "networks of another kind";
}

template <class Kind>
Kind& as_kind(Method& method, const std::string& name, std::string_view wanted) {
  auto* kind = dynamic_cast<Kind*>(&method);
  if (kind == nullptr) {
    fail<ConfigError>("method '{}' trains {}; this needs a run that trains {}", name,
                      trained_by(method), wanted);
  }
  return *kind;
}

}  // namespace

std::string TranslationMethod::sheet_caption() const {
  return "Columns: picture, translation, reconstruction, translated back. Rows: from day to night, "
         "then from night to day.";
}

SegmentationMethod& as_segmentation(Method& method, const std::string& name) {
  return as_kind<SegmentationMethod>(method, name, "a segmentation network");
}

TranslationMethod& as_translation(Method& method, const std::string& name) {
  return as_kind<TranslationMethod>(method, name, "a translator of pictures");
}

}  // namespace dusk
