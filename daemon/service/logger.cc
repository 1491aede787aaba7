#include "daemon/service/logger.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <mutex>

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "daemon/service/journal.h"

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

namespace {

/// Takes lines that are journal entries already.
class JournalSink final : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    static_cast<void>(journal_.send({message.payload.data(), message.payload.size()}));
  }

  void flush_() override {}

 private:
  Journal journal_;
};

spdlog::sink_ptr make_sink(bool journal) {
  if (journal) return std::make_shared<JournalSink>();
  return std::make_shared<spdlog::sinks::stderr_sink_mt>();
}

}  // namespace

struct Logger::Impl {
  LogFormat format;
  bool journal = stderr_is_the_journal();
  // spdlog shares its thread pool and logger by design.
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
};

Logger::Logger(LogLevel level, LogFormat format) : impl_(std::make_unique<Impl>()) {
  impl_->format = format;
  impl_->pool = std::make_shared<spdlog::details::thread_pool>(kQueuedLines, 1);
  impl_->logger = std::make_shared<spdlog::async_logger>(
      "pghangd",
      make_sink(impl_->journal),
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

void Logger::write(LogLevel level, std::string_view event, const std::vector<LogField>& fields) {
  const auto spdlogs = spdlog_level(level);
  if (!impl_->logger->should_log(spdlogs)) return;
  std::string line = render_fields(impl_->format, event, fields);
  if (impl_->journal) {
    if (impl_->format == LogFormat::json) line = '{' + line + '}';
    line = journal_entry(level, line, event, fields);
  }
  impl_->logger->log(spdlogs, "{}", line);
}

void Logger::debug(std::string_view event, const std::vector<LogField>& fields) {
  write(LogLevel::debug, event, fields);
}

void Logger::info(std::string_view event, const std::vector<LogField>& fields) {
  write(LogLevel::info, event, fields);
}

void Logger::warn(std::string_view event, const std::vector<LogField>& fields) {
  write(LogLevel::warn, event, fields);
}

void Logger::error(std::string_view event, const std::vector<LogField>& fields) {
  write(LogLevel::error, event, fields);
}

}  // namespace pghang
