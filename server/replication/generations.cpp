#include "server/replication/generations.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/clock.hpp"
#include "core/errors.hpp"
#include "engine/connection.hpp"
#include "engine/wal_log.hpp"
#include "local/store.hpp"
#include "replication/crc64.hpp"
#include "replication/frame.hpp"
#include "server/base/failure.hpp"
#include "server/base/namespace_config.hpp"

namespace libsql::server {
namespace {

using replication::FrameNo;
using replication::Log;
namespace fs = std::filesystem;

constexpr std::string_view kTitle = "libsql generations 1";
constexpr std::uint64_t kMostFrames = std::uint64_t{1} << 31U;  // their numbers have 32 bits
constexpr std::size_t kRemembered = 64;
constexpr std::size_t kPiece = std::size_t{1} << 20U;

[[noreturn]] void throw_damaged(const fs::path& file) {
  core::throw_error(ErrorCode::Corrupt,
                    "'" + file.string() + "' is damaged; without it, clients with offline writes have to begin again");
}

[[noreturn]] void throw_io(const fs::path& file) {
  const ErrorCode code = errno == ENOSPC || errno == EDQUOT ? ErrorCode::Full : ErrorCode::Io;
  core::throw_error(code, "'" + file.string() + "' cannot be written: " + std::strerror(errno));
}

std::uint64_t checksum_of(std::string_view text) noexcept {
  return replication::crc64(~std::uint64_t{0}, std::as_bytes(std::span(text)));
}

// A file that takes its name when it is complete and durable.
class NewFile {
 public:
  explicit NewFile(fs::path file) : file_(std::move(file)), made_(file_.string() + ".new") {
    fd_ = ::open(made_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd_ < 0) throw_io(made_);
  }
  ~NewFile() {
    if (fd_ < 0) return;
    ::close(fd_);
    std::error_code ignored;
    fs::remove(made_, ignored);
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) throw_io(made_);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  void finish() {
    if (::fsync(fd_) != 0) throw_io(made_);
    ::close(std::exchange(fd_, -1));
    std::error_code failed;
    fs::rename(made_, file_, failed);
    if (failed) core::throw_error(ErrorCode::Io, "'" + file_.string() + "' cannot be replaced: " + failed.message());
    sync_directory(file_.parent_path());
  }

 private:
  const fs::path file_;
  const fs::path made_;
  int fd_ = -1;
};

// Writes the database as of its last commit there. Returns the number of the frame that follows it.
FrameNo copy_database(Log& log, const fs::path& to) {
  const std::unique_ptr<engine::Connection> connection = log.store()->open_connection();
  connection->execute_script("BEGIN");
  const auto page_size = static_cast<std::size_t>(connection->query_integer("PRAGMA page_size"));
  if (page_size != replication::kPageSize) {
    throw RequestRefused(501, "UNSUPPORTED",
                         "only databases with pages of 4096 bytes can be copied, and this one has pages of " +
                             std::to_string(page_size));
  }
  const engine::wal::ReadScope reading(connection->handle());
  const std::optional<engine::LogEnd> end = connection->log_end();
  const Log::State state = log.catch_up();
  const std::optional<FrameNo> last = end ? log.frame_of(*end) : std::nullopt;
  if (!last && state.end != 0) {
    throw RequestRefused(503, "UNAVAILABLE", "the database was written to at that moment; try again");
  }
  const auto pages = static_cast<std::uint32_t>(connection->query_integer("PRAGMA page_count"));
  const engine::wal::Log pages_of(connection->handle());
  NewFile file(to);
  std::string piece;
  for (std::uint32_t page = 1; page <= pages; ++page) {
    const std::size_t at = piece.size();
    piece.resize(at + page_size);  // the page of the lock bytes, which is never written, is all zeros
    pages_of.page(page, std::as_writable_bytes(std::span(piece).subspan(at)), end ? end->frame : 0);
    if (piece.size() >= kPiece) {
      file.write(piece);
      piece.clear();
    }
  }
  file.write(piece);
  file.finish();
  return last ? *last + 1 : 0;
}

}  // namespace

Generations::Generations(fs::path folder) : folder_(std::move(folder)) { load(); }

fs::path Generations::image(std::uint32_t number) const { return folder_ / ("image-" + std::to_string(number)); }

void Generations::load() {
  std::ifstream in(file(), std::ios::binary);
  if (!in) {
    if (fs::exists(file())) throw_damaged(file());
    return;
  }
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  std::string_view rest = text;
  const auto line = [&]() -> std::string_view {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) throw_damaged(file());
    const std::string_view found = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return found;
  };
  const auto number = [&](std::string_view digits, auto& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) throw_damaged(file());
  };
  if (line() != kTitle) throw_damaged(file());
  const std::optional<replication::Uuid> id = replication::parse_uuid(line());
  if (!id) throw_damaged(file());
  log_id_ = *id;
  for (;;) {
    const std::string_view entry = line();
    const std::size_t space = entry.find(' ');
    if (space == std::string_view::npos) {
      std::uint64_t checksum = 0;
      number(entry, checksum);
      const auto before = static_cast<std::size_t>(entry.data() - text.data());
      if (!rest.empty() || begins_.empty() || checksum != checksum_of(std::string_view(text).substr(0, before))) {
        throw_damaged(file());
      }
      return;
    }
    Begin begin{};
    number(entry.substr(0, space), begin.number);
    number(entry.substr(space + 1), begin.first);
    begins_.push_back(begin);
  }
}

void Generations::store(const replication::Uuid& id, const std::vector<Begin>& begins) const {
  std::string text(kTitle);
  text.append("\n").append(replication::to_string(id)).append("\n");
  for (const Begin& begin : begins) {
    text.append(std::to_string(begin.number)).append(" ").append(std::to_string(begin.first)).append("\n");
  }
  text.append(std::to_string(checksum_of(text))).append("\n");
  NewFile out(file());
  out.write(text);
  out.finish();
}

std::optional<Generations::Generation> Generations::newest_now(const Log& log) const {
  if (begins_.empty() || log.state().id != log_id_) return std::nullopt;
  return Generation{begins_.back().number, begins_.back().first, std::nullopt};
}

std::optional<Generations::Generation> Generations::newest(const Log& log) const {
  const std::lock_guard lock(mutex_);
  return newest_now(log);
}

std::optional<Generations::Generation> Generations::find(const Log& log, std::uint32_t number) const {
  const std::lock_guard lock(mutex_);
  if (!newest_now(log)) return std::nullopt;
  for (std::size_t i = 0; i < begins_.size(); ++i) {
    if (begins_[i].number != number) continue;
    const bool is_newest = i + 1 == begins_.size();
    return Generation{number, begins_[i].first, is_newest ? std::nullopt : std::optional(begins_[i + 1].first)};
  }
  return std::nullopt;
}

std::uint32_t Generations::highest() const {
  const std::lock_guard lock(mutex_);
  return begins_.empty() ? 0 : begins_.back().number;
}

std::optional<fs::path> Generations::image_of(std::uint32_t number) const {
  fs::path found = image(number);
  if (!fs::exists(found)) return std::nullopt;
  return found;
}

Generations::Generation Generations::open_newest(Log& log) {
  const std::lock_guard making(making_);
  const Log::State state = log.catch_up();
  const std::optional<Generation> now = newest(log);
  if (now && state.first <= now->first && state.end - now->first < kMostFrames && fs::exists(image(now->number))) {
    return *now;
  }
  const auto seconds = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(core::WallClock::now().time_since_epoch()).count());
  // One that goes on in the same log is the next: clients walk from one to the other. Else nobody must get there.
  const std::uint32_t last = highest();
  const std::uint32_t number = now ? now->number + 1 : std::max(seconds, last + 2);
  const FrameNo first = copy_database(log, image(number));
  const replication::Uuid id = log.state().id;
  if (id != state.id) throw RequestRefused(503, "UNAVAILABLE", "the replication log has begun again; try again");
  std::vector<Begin> begins;
  {
    const std::lock_guard lock(mutex_);
    if (now) begins = begins_;
  }
  begins.push_back({number, first});
  if (begins.size() > kRemembered) begins.erase(begins.begin());
  store(id, begins);
  const std::lock_guard lock(mutex_);
  log_id_ = id;
  begins_ = std::move(begins);
  // Whoever asked just before may still want the image before this one.
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("image-") || entry.path() == image(number)) continue;
    if (last != 0 && entry.path() == image(last)) continue;
    fs::remove(entry.path(), ignored);
  }
  return {number, first, std::nullopt};
}

}  // namespace libsql::server
