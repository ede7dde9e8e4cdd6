#include "server/log/access_log.hpp"

#include "core/clock.hpp"
#include "server/log/json_line.hpp"
#include "server/log/log.hpp"

namespace libsql::server {
namespace {

constexpr std::size_t kLongestTarget = 2048;
constexpr std::size_t kLongestSql = 16384;

}  // namespace

void AccessLog::write(const AccessRecord& record) noexcept {
  thread_local JsonLine line;
  line.clear();
  const std::string_view path = record.target.substr(0, record.target.find('?')).substr(0, kLongestTarget);
  line.add("time", record.time)
      .add("peer", record.peer)
      .add("method", record.method)
      .add("path", path)
      .add("namespace", record.name_space)
      .add("status", std::uint64_t{record.status})
      .add("bytes_in", record.request_bytes)
      .add("bytes_out", record.response_bytes)
      .add("ms", record.duration)
      .add("rows_read", record.rows_read)
      .add("rows_written", record.rows_written);
  file_.append(line.finish());
}

SlowLog::SlowLog(const std::string& path, Log& log, std::chrono::nanoseconds threshold)
    : log_(log),
      file_(path.empty() ? nullptr : std::make_unique<LineFile>(path, LineFile::Buffering::None)),
      threshold_(threshold) {}

void SlowLog::write(const SlowRecord& record) noexcept {
  const std::string_view sql = record.sql.substr(0, kLongestSql);
  if (file_ == nullptr) {
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(record.duration).count();
    std::string message = std::to_string(milliseconds);
    message.append(" ms in ").append(record.name_space).append(", rows read ").append(std::to_string(record.rows_read));
    message.append(", written ").append(std::to_string(record.rows_written)).append(": ").append(sql);
    return log_.warn("slow", message);
  }
  JsonLine line;
  line.add("time", core::WallClock::now())
      .add("namespace", record.name_space)
      .add("ms", record.duration)
      .add("rows_read", record.rows_read)
      .add("rows_written", record.rows_written)
      .add("failed", std::uint64_t{record.failed})
      .add("sql", sql);
  file_->append(line.finish());
}

void SlowLog::reopen() {
  if (file_ != nullptr) file_->reopen();
}

}  // namespace libsql::server
