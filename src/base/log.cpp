#include "dusk/base/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::off:
      return spdlog::level::off;
  }
  fail<InternalError>("unknown log level {}", static_cast<int>(level));
}

spdlog::sink_ptr open_file(const std::filesystem::path& path) {
  try {
    return std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string());
  } catch (const spdlog::spdlog_ex& error) {
    fail<StorageError>("cannot open the log: {}", error.what());
  }
}

}  // namespace

struct Log::Impl {
  spdlog::logger logger{"dusk"};
};

Log::Log(const LogOptions& options) : impl_(std::make_unique<Impl>()) {
  const std::string prefix = options.prefix.empty() ? "" : options.prefix + ": ";
  auto console = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(
      options.color ? spdlog::color_mode::automatic : spdlog::color_mode::never);
  console->set_level(to_spdlog(options.console));
  console->set_pattern("%^[%l]%$ " + prefix + "%v");
  impl_->logger.sinks().push_back(console);
  if (!options.file.empty()) {
    auto file = open_file(options.file);
    file->set_level(spdlog::level::debug);
    file->set_pattern("%Y-%m-%d %H:%M:%S.%e [%l] " + prefix + "%v");
    impl_->logger.sinks().push_back(file);
  }
  impl_->logger.set_level(spdlog::level::debug);
  impl_->logger.flush_on(spdlog::level::debug);
}

Log::~Log() = default;
Log::Log(Log&&) noexcept = default;
Log& Log::operator=(Log&&) noexcept = default;

void Log::write(LogLevel level, std::string_view message) {
  impl_->logger.log(to_spdlog(level), message);
}

LogLevel parse_log_level(std::string_view name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "info") return LogLevel::info;
  if (name == "warn") return LogLevel::warn;
  if (name == "error") return LogLevel::error;
  if (name == "off") return LogLevel::off;
  fail<ConfigError>("log level '{}' is unknown; use debug, info, warn, error or off", name);
}

}  // namespace dusk
