#pragma once

#include <fmt/core.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace dusk {

enum class LogLevel { debug, info, warn, error, off };

struct LogOptions {
  LogLevel console = LogLevel::info;  ///< least severe level shown on standard error
  std::filesystem::path file{};       ///< empty: no file; the file gets everything from debug up
  std::string prefix{};               ///< for example "rank 1"; shown in front of each message
  bool color = false;
};

/// Messages for people. Owned by `main()`, handed down by reference, safe from any thread.
/// Numbers of a training run do not go here but to the metric sinks.
class Log {
 public:
  explicit Log(const LogOptions& options = {});
  ~Log();
  Log(Log&&) noexcept;
  Log& operator=(Log&&) noexcept;
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  template <class... Args>
  void debug(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::debug, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void info(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::warn, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::error, fmt::format(format, std::forward<Args>(args)...));
  }

  void write(LogLevel level, std::string_view message);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Parses "debug", "info", "warn", "error", "off"; `ConfigError` for anything else.
[[nodiscard]] LogLevel parse_log_level(std::string_view name);

}  // namespace dusk
