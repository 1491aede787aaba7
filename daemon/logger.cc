#include "daemon/logger.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace pghang {
namespace {

/// spdlog makes all places of the queue at once, 416 bytes each.
constexpr std::size_t kQueuedLines = 1024;

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warn: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      case '\r': out += "\\r"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          std::array<char, 8> escape{};
          std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
          out += escape.data();
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

bool is_bare(std::string_view text) {
  return !text.empty() && std::ranges::none_of(text, [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=' || c == '\\';
  });
}

}  // namespace

std::string
render_fields(LogFormat format, std::string_view event, const std::vector<LogField>& fields) {
  const bool json = format == LogFormat::json;
  std::string out = json ? "\"event\":" + quoted(event) : "event=" + std::string(event);
  for (const auto& [key, value] : fields) {
    if (json) {
      out += ",\"" + key + "\":" + quoted(value);
    } else {
      out += ' ' + key + '=' + (is_bare(value) ? value : quoted(value));
    }
  }
  return out;
}

struct Logger::Impl {
  LogFormat format;
  // spdlog shares its thread pool and logger by design.
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
};

Logger::Logger(LogLevel level, LogFormat format) : impl_(std::make_unique<Impl>()) {
  impl_->format = format;
  impl_->pool = std::make_shared<spdlog::details::thread_pool>(kQueuedLines, 1);
  impl_->logger = std::make_shared<spdlog::async_logger>(
      "pghangd",
      std::make_shared<spdlog::sinks::stderr_sink_mt>(),
      impl_->pool,
      spdlog::async_overflow_policy::overrun_oldest
  );
  const char* pattern = format == LogFormat::json
                            ? R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                            : "ts=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v";
  impl_->logger->set_formatter(
      std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc)
  );
  impl_->logger->flush_on(spdlog::level::debug);
  set_level(level);
}

Logger::~Logger() = default;

void Logger::set_level(LogLevel level) {
  impl_->logger->set_level(spdlog_level(level));
}

void Logger::debug(std::string_view event, const std::vector<LogField>& fields) {
  impl_->logger->debug("{}", render_fields(impl_->format, event, fields));
}

void Logger::info(std::string_view event, const std::vector<LogField>& fields) {
  impl_->logger->info("{}", render_fields(impl_->format, event, fields));
}

void Logger::warn(std::string_view event, const std::vector<LogField>& fields) {
  impl_->logger->warn("{}", render_fields(impl_->format, event, fields));
}

void Logger::error(std::string_view event, const std::vector<LogField>& fields) {
  impl_->logger->error("{}", render_fields(impl_->format, event, fields));
}

}  // namespace pghang
