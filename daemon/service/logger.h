#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/settings.h"

namespace pghang {

/// Key and value of one structured field. Keys are snake_case and stable; values are plain text.
using LogField = std::pair<std::string, std::string>;

/// Fields in logfmt (`event=matched pid=4711 query="select ?"`) or as the inside of a JSON object.
/// Control characters and quotes are escaped in both. Pure.
[[nodiscard]] std::string
render_fields(LogFormat format, std::string_view event, const std::vector<LogField>& fields);

/// Structured log on stderr, or, where that is the journal, as entries with a field for each field
/// (daemon/service/journal.h). Written by its own thread: a stuck log pipe never blocks the loop.
/// The queue is bounded; when it is full the oldest lines are lost and counted.
class Logger {
 public:
  Logger(LogLevel level, LogFormat format);
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;
  /// Waits for the queue to be written. With a stuck pipe that never ends: main bounds it.
  ~Logger();

  void debug(std::string_view event, const std::vector<LogField>& fields = {});
  void info(std::string_view event, const std::vector<LogField>& fields = {});
  void warn(std::string_view event, const std::vector<LogField>& fields = {});
  void error(std::string_view event, const std::vector<LogField>& fields = {});

  void set_level(LogLevel level);

 private:
  void write(LogLevel level, std::string_view event, const std::vector<LogField>& fields);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pghang
