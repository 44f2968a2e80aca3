#include "dusk/report/pictures.hpp"

namespace dusk {

std::string picture_file_stem(std::string_view sample_name) {
  std::string out;
  for (const char c : sample_name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-';
    out += plain ? c : '_';
  }
  if (out.empty() || out.front() == '.') out.insert(0, "_");
  return out;
}

}  // namespace dusk
