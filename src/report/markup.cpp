#include "report/markup.hpp"

#include <fmt/core.h>

#include <cstdint>

namespace dusk {

std::string escape_markup(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string encode_base64(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t present = bytes.size() - i < 3 ? bytes.size() - i : 3;
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < present ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += k <= present ? kDigits[group >> (18 - 6 * k) & 63U] : '=';
    }
  }
  return out;
}

std::string png_data_uri(std::span<const std::byte> bytes) {
  return "data:image/png;base64," + encode_base64(bytes);
}

std::string whole_page(std::string_view title, std::string_view body) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"/>\n"
      "<title>{} · Dusk</title>\n<style>{}</style></head><body><main>\n{}</main></body></html>\n",
      escape_markup(title), page_style(), body);
}

std::string_view page_style() {
  return R"css(
:root{color-scheme:light dark;--bg:#fbfbfa;--card:#fff;--ink:#1d1f23;--muted:#6a6f78;--line:#e3e4e8;
--grid:#ececef;--bar:#dfe9f5;--warn:#9a5b00}
@media (prefers-color-scheme:dark){:root{--bg:#14161a;--card:#1c1f25;--ink:#e6e7ea;--muted:#9aa0aa;
--line:#2e323a;--grid:#272b32;--bar:#24364b;--warn:#e6b25c}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1180px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:26px;margin:0 0 4px;letter-spacing:-.01em}
h2{font-size:19px;margin:40px 0 12px}
h3{font-size:15px;margin:22px 0 8px}
p{margin:6px 0}
.muted,figcaption,caption{color:var(--muted)}
.warn{color:var(--warn)}
.facts{display:flex;flex-wrap:wrap;gap:4px 22px;margin:10px 0;color:var(--muted)}
.facts b{color:var(--ink);font-weight:600}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(440px,100%),1fr));gap:16px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px;margin:0}
.card h3{margin:0 0 6px}
.scroll{overflow-x:auto;width:fit-content;max-width:100%}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--muted);font-size:11px}
svg .grid{stroke:var(--grid);stroke-width:1}
svg .axis{stroke:var(--line);stroke-width:1}
svg .line{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
svg .raw{fill:none;stroke-width:1;opacity:.28}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
caption{text-align:left;padding-bottom:6px}
th,td{padding:4px 12px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left}
thead th{font-weight:600}
tr.total td{font-weight:600}
td.share{background:linear-gradient(to right,var(--bar) var(--share),transparent var(--share))}
td.best{font-weight:700}
.swatch{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:7px;
vertical-align:-1px;border:1px solid rgba(128,128,128,.45)}
.legend{display:flex;flex-wrap:wrap;gap:3px 18px;margin:8px 0 2px;font-size:13px;color:var(--muted)}
.pictures{display:grid;gap:8px;margin:8px 0 18px}
.pictures figure{margin:0;min-width:150px}
.pictures img{width:100%;height:auto;border-radius:6px;display:block;background:#000}
.pictures figcaption{font-size:12.5px;padding:3px 1px;overflow-wrap:anywhere}
details{margin:10px 0}
summary{cursor:pointer;font-weight:600}
pre{overflow:auto;max-height:60vh;background:var(--card);border:1px solid var(--line);
border-radius:8px;padding:12px 14px;font:12.5px/1.5 ui-monospace,"DejaVu Sans Mono",monospace}
@media print{.card,pre{break-inside:avoid}}
)css";
}

}  // namespace dusk
