#include "replication/log/log.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <random>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/errors.hpp"
#include "engine/connection.hpp"
#include "engine/full_path.hpp"
#include "engine/wal_index.hpp"

namespace libsql::replication {
namespace {

using engine::wal::LogView;
namespace fs = std::filesystem;

constexpr std::uint64_t kSmallestSegment = 64ULL << 10U;
constexpr std::uint64_t kLargestSegment = 16ULL << 20U;
constexpr std::size_t kRememberedLives = 4;
constexpr std::size_t kRememberedCommits = 65536;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(core::WallClock::now().time_since_epoch()).count();
}

Uuid random_uuid() {
  std::random_device random;
  Uuid id;
  for (std::byte& byte : id.bytes) byte = static_cast<std::byte>(random());
  id.bytes[6] = (id.bytes[6] & std::byte{0x0f}) | std::byte{0x40};  // version 4, variant 1
  id.bytes[8] = (id.bytes[8] & std::byte{0x3f}) | std::byte{0x80};
  return id;
}

// The engine keeps salts as the bytes of the file.
Salts salts_of(const engine::LogEnd& end) noexcept {
  static_assert(std::endian::native == std::endian::little);
  return {__builtin_bswap32(end.salt[0]), __builtin_bswap32(end.salt[1])};
}

struct SegmentName {
  std::uint64_t incarnation = 0;
  FrameNo first = 0;
};

std::string name_of(std::uint64_t incarnation, FrameNo first) {
  std::array<char, 48> text{};
  const int size = std::snprintf(text.data(), text.size(), "%08llx-%016llx.seg",
                                 static_cast<unsigned long long>(incarnation), static_cast<unsigned long long>(first));
  return {text.data(), static_cast<std::size_t>(size)};
}

std::optional<SegmentName> parse_name(std::string_view text) {
  SegmentName name;
  const auto number = [&](std::size_t at, std::size_t size, std::uint64_t& value) {
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + size, value, 16);
    return error == std::errc() && end == text.data() + at + size;
  };
  if (text.size() != 29 || text[8] != '-' || !text.ends_with(".seg") || !number(0, 8, name.incarnation) ||
      !number(9, 16, name.first)) {
    return std::nullopt;
  }
  return name;
}

void discard(const fs::path& file) noexcept {
  std::error_code ignored;  // a file too many is found again at the next opening
  fs::remove(file, ignored);
}

// The logs of this process, by the paths of their databases. An entry stays until its log has ended for good.
struct OpenLogs {
  std::mutex mutex;
  std::condition_variable ended;
  std::map<std::string, std::weak_ptr<Log>> logs;
};

OpenLogs& open_logs() {
  static OpenLogs* const all = new OpenLogs;  // as long as the last log
  return *all;
}

[[noreturn]] void throw_damaged(std::uint32_t frame) {
  core::throw_error(ErrorCode::Corrupt, "frame " + std::to_string(frame) + " of the write-ahead log is damaged");
}

engine::wal::FrameHeader read_frame_header(const LogView& log, std::uint32_t frame) {
  std::array<std::byte, engine::wal::kFrameHeaderSize> bytes{};
  if (!engine::wal::read_exactly(log.file, bytes, engine::wal::frame_offset(frame, log.page_size))) {
    throw_damaged(frame);
  }
  return *engine::wal::parse_frame_header(bytes);
}

bool has_salts(const engine::wal::FrameHeader& header, Salts salts) noexcept {
  return header.salt1 == salts.first && header.salt2 == salts.second;
}

}  // namespace

// The pages of one commit in SQLite's log.
class Log::WalPages final : public CommitPages {
 public:
  explicit WalPages(const LogView& log) : log_(log) {}
  void begin(std::uint32_t first_frame) {
    first_frame_ = first_frame;
    pages_.clear();
  }
  void add(std::uint32_t page_no) { pages_.push_back(page_no); }
  std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(pages_.size()); }

  std::uint32_t page_no(std::uint32_t index) const noexcept override { return pages_[index]; }
  void read(std::uint32_t first, std::span<std::byte> out) override {
    // Page by page, as the cipher layer decrypts what is read in pages.
    for (std::uint32_t frame = first_frame_ + first; !out.empty(); ++frame) {
      const std::int64_t offset =
          engine::wal::frame_offset(frame, log_.page_size) + static_cast<std::int64_t>(engine::wal::kFrameHeaderSize);
      if (!engine::wal::read_exactly(log_.file, out.first(log_.page_size), offset)) throw_damaged(frame);
      out = out.subspan(log_.page_size);
    }
  }

 private:
  const LogView& log_;
  std::uint32_t first_frame_ = 0;
  std::vector<std::uint32_t> pages_;
};

std::shared_ptr<Log> Log::open(const std::string& database,
                               const std::function<std::shared_ptr<local::Store>()>& make_store, LogOptions options) {
  std::string path = engine::full_path(database, {}, false);
  {
    OpenLogs& all = open_logs();
    std::unique_lock lock(all.mutex);
    for (;;) {
      const auto found = all.logs.find(path);
      if (found == all.logs.end()) break;
      if (std::shared_ptr<Log> log = found->second.lock()) return log;
      all.ended.wait(lock);  // it is just coming to its end
    }
    all.logs.emplace(path, std::weak_ptr<Log>());
    try {
      std::shared_ptr<Log> log(new Log(path, std::move(options)));
      lock.unlock();
      log->begin(make_store);
      lock.lock();
      all.logs[path] = log;
      all.ended.notify_all();
      return log;
    } catch (...) {
      if (!lock.owns_lock()) lock.lock();
      all.logs.erase(path);
      all.ended.notify_all();
      throw;
    }
  }
}

void Log::begin(const std::function<std::shared_ptr<local::Store>()>& make_store) {
  // Before there is a connection, as with the last one that goes, unwatched, SQLite's log goes too.
  watch_.reset(new engine::wal::Watch(database_ + "-wal", *this));  // a private base
  store_ = make_store();
  encryption_ = store_->options().encryption;
  if (store_->is_memory() || store_->write_line() == nullptr) {
    core::throw_unsupported("a replication log", "local", "the database is in memory");
  }
  recover();
}

Log::~Log() {
  writes_.reset();
  {
    // Its close may be that of the last connection, which ends SQLite's log: watched, so that the end is known.
    const std::lock_guard lock(connection_mutex_);
    connection_.reset();
  }
  store_.reset();  // which may keep one, too
  watch_.reset();
  OpenLogs& all = open_logs();
  const std::lock_guard lock(all.mutex);
  if (abandoned_) return;
  all.logs.erase(database_);
  all.ended.notify_all();
}

void Log::abandon() noexcept {
  watch_.reset();
  OpenLogs& all = open_logs();
  const std::lock_guard lock(all.mutex);
  if (std::exchange(abandoned_, true)) return;
  all.logs.erase(database_);
  all.ended.notify_all();
}

// ---- beginning ------------------------------------------------------------------------------------------------------

void Log::recover() {
  connection_ = store_->open_connection();
  sqlite3* const db = connection_->handle();
  // A new file has only got its mode so far; its log is there from the first read on.
  connection_->query_text("SELECT 1 FROM sqlite_schema LIMIT 1");
  if (connection_->query_text("PRAGMA main.journal_mode") != "wal") {
    core::throw_unsupported("a replication log", "local", "the database is not in WAL mode");
  }
  std::error_code error;
  fs::create_directories(options_.folder, error);
  if (error) {
    core::throw_error(ErrorCode::Io, "cannot make the folder '" + options_.folder.string() + "': " + error.message());
  }
  if (engine::wal::log_name(db) != watch_->name()) {
    core::throw_error(ErrorCode::Configuration, "the replication log watches '" + watch_->name() +
                                                    "', but the log is '" + engine::wal::log_name(db) + "'");
  }
  writes_ = store_->write_line()->after_write([weak = weak_from_this()](const local::WriteLine::Write& write) {
    if (const std::shared_ptr<Log> self = weak.lock()) self->note_write(write);
  });

  const std::lock_guard connection_lock(connection_mutex_);
  if (const auto end = connection_->log_end(); !end || salts_of(*end) == Salts{}) {
    // Without a header it has no salts, and nothing would tell this database from any other in its place. A write that
    // changes nothing makes one.
    connection_->execute_script("PRAGMA user_version=" +
                                std::to_string(connection_->query_integer("PRAGMA user_version")));
  }
  const engine::wal::ReadScope scope(db);
  const LogView log = view(scope);
  const std::lock_guard copy_lock(copy_mutex_);
  load_segments(log.page_size);
  if (segments_.empty()) {
    begin_again(log);
    return;
  }
  const FrameNo end = segments_.back()->end_frame();
  {
    const std::lock_guard lock(count_mutex_);
    lives_ = {{copied_to_.salts, end - copied_to_.frame}};
    if (next_) next_life_ = Life{*next_, end};
    end_.store(end, std::memory_order_release);
  }
  copy(log);
}

// Those of the newest life that are whole and follow on each other.
void Log::load_segments(std::uint32_t page_size) {
  struct Found {
    SegmentName name;
    fs::path file;
  };
  std::vector<Found> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(options_.folder)) {
    const std::string file = entry.path().filename().string();
    if (const std::optional<SegmentName> name = parse_name(file)) {
      found.push_back({*name, entry.path()});
    } else if (file.ends_with(".seg.new")) {
      discard(entry.path());
    }
  }
  std::ranges::sort(found, [](const Found& a, const Found& b) {
    return std::pair(a.name.incarnation, a.name.first) > std::pair(b.name.incarnation, b.name.first);
  });
  if (!found.empty()) incarnation_ = found.front().name.incarnation;
  bool complete = false;  // no older one can follow on
  for (const Found& each : found) {
    std::shared_ptr<Segment> segment;
    if (!complete && each.name.incarnation == incarnation_)
      segment = Segment::open(each.file, segments_.empty(), key());
    const bool fits = segment != nullptr && segment->first_frame() == each.name.first &&
                      segment->header().incarnation == incarnation_ && segment->header().page_size == page_size &&
                      (segments_.empty() || (segment->end_frame() == segments_.back()->first_frame() &&
                                             segment->header().log_id == segments_.back()->header().log_id));
    if (!fits) {
      complete = complete || !segments_.empty();
      discard(each.file);
      continue;
    }
    segments_.push_back(std::move(segment));
  }
  std::ranges::reverse(segments_);
  if (segments_.empty()) return;
  pages_.begin(segments_.front()->first_frame());
  for (const auto& segment : segments_) {
    FrameNo frame = segment->first_frame();
    while (const std::optional<Segment::Record> record = segment->find(frame)) {
      const std::vector<Segment::Entry> table = segment->table(*record);
      for (const Segment::Entry& entry : table) pages_.note(entry.page_no, frame++);
    }
  }
  const Segment& newest = *segments_.back();
  const std::optional<Segment::Record> last = newest.last();
  added_end_ = newest.end_frame();
  copied_to_ = last ? last->copied_to : newest.header().copied_to;
  next_.reset();
  if (last && last->kind == Segment::Record::Kind::Restart) next_ = last->next;
}

LogView Log::view(const engine::wal::ReadScope& scope) const {
  if (!scope.has_log()) core::throw_unsupported("a replication log", "local", "the database is not in WAL mode");
  engine::wal::Index index(scope.files().database);
  const engine::wal::IndexHeader header = engine::wal::settled_header(index);
  LogView log;
  log.file = scope.files().log;
  log.page_size = header.page_size;
  if (log.page_size == 0) log.page_size = static_cast<std::uint32_t>(connection_->query_integer("PRAGMA page_size"));
  log.last_frame = header.max_frame;
  log.salts = {header.salt1, header.salt2};
  log.checksum = header.frame_checksum;
  log.database_pages = header.database_pages;
  if (header.max_frame == 0) {
    log.database_pages = static_cast<std::uint32_t>(connection_->query_integer("PRAGMA page_count"));
  }
  return log;
}

// Everything from here on is another log.
void Log::begin_again(const LogView& log) {
  FrameNo first = log.database_pages;
  if (first <= 1 && connection_->query_integer("SELECT count(*) FROM sqlite_schema") == 0 &&
      connection_->query_integer("PRAGMA user_version") == 0 &&
      connection_->query_integer("PRAGMA application_id") == 0) {
    first = 0;  // nobody needs a copy of it
  }
  std::vector<std::shared_ptr<Segment>> gone = std::move(segments_);
  segments_.clear();
  copied_to_ = {log.last_frame, log.salts, log.last_frame == 0 ? engine::wal::Checksum{} : log.checksum};
  next_.reset();
  added_end_ = first;
  ++incarnation_;
  add_segment(random_uuid(), first, 0, log.page_size, log.database_pages);
  for (const auto& segment : gone) discard(segment->path());
  pages_.begin(first);
  {
    const std::lock_guard lock(count_mutex_);
    lives_ = {{log.salts, first - log.last_frame}};
    next_life_.reset();
    commits_.clear();
    end_.store(first, std::memory_order_release);
  }
  wake();
}

void Log::add_segment(const Uuid& id, FrameNo first, std::uint64_t checksum, std::uint32_t page_size,
                      std::uint32_t pages) {
  Segment::Header header;
  header.log_id = id;
  header.incarnation = incarnation_;
  header.first_frame = first;
  header.checksum = checksum;
  header.created_ms = now_ms();
  header.copied_to = copied_to_;
  header.page_size = page_size;
  header.database_pages = pages;
  segments_.push_back(Segment::create(options_.folder / name_of(incarnation_, first), header, key()));
}

// ---- copying --------------------------------------------------------------------------------------------------------

// Whether SQLite's log holds what follows on the last copied frame; if it began anew there, from now on that one
// counts.
bool Log::goes_on(const LogView& log) {
  if (next_ && log.salts == *next_) {
    copied_to_ = {0, *next_, {}};
    next_.reset();
    return true;
  }
  if (log.salts != copied_to_.salts || log.last_frame < copied_to_.frame) return false;
  if (copied_to_.frame == 0) return true;
  const engine::wal::FrameHeader last = read_frame_header(log, copied_to_.frame);
  return has_salts(last, log.salts) && last.checksum == copied_to_.checksum;
}

void Log::copy(const LogView& log) {
  if (!goes_on(log)) {
    begin_again(log);
    return;
  }
  if (segments_.back()->is_spoilt()) roll(log.database_pages, log.page_size);
  WalPages pages(log);
  std::uint32_t first = copied_to_.frame + 1;
  pages.begin(first);
  for (std::uint32_t frame = first; frame <= log.last_frame; ++frame) {
    const engine::wal::FrameHeader header = read_frame_header(log, frame);
    if (!has_salts(header, log.salts) || header.page == 0) throw_damaged(frame);
    pages.add(header.page);
    if (header.commit_size == 0) continue;
    Segment& segment = *segments_.back();
    const FrameNo begin = added_end_;
    Segment::Record record;
    record.frames = pages.size();
    record.size_after = header.commit_size;
    record.committed_ms = committed_ms(begin + pages.size());
    record.copied_to = {frame, log.salts, header.checksum};
    segment.add_commit(record, pages);
    copied_to_ = record.copied_to;
    for (std::uint32_t i = 0; i < pages.size(); ++i) pages_.note(pages.page_no(i), begin + i);
    added_end_ = begin + pages.size();
    copied_frames_ += pages.size();
    pages.begin(frame + 1);
    if (segment.full_size() >= segment_limit()) roll(header.commit_size, log.page_size);
  }
  segments_.back()->flush();
  drop_old();
  note_copied(log);
}

// What is counted can be behind what is there, where other processes write, too.
void Log::note_copied(const LogView& log) {
  const std::lock_guard lock(count_mutex_);
  const FrameNo before = added_end_ - copied_to_.frame;
  if (lives_.empty() || lives_.back().salts != log.salts) add_life({log.salts, before});
  if (next_life_ && next_life_->salts == log.salts) next_life_.reset();
  if (end_.load(std::memory_order_relaxed) < added_end_) end_.store(added_end_, std::memory_order_release);
}

void Log::add_life(const Life& life) {
  lives_.push_back(life);
  if (lives_.size() > kRememberedLives) lives_.erase(lives_.begin());
}

Segment::Key Log::key() const noexcept { return encryption_ ? Segment::Key(encryption_->key) : Segment::Key(); }

std::uint64_t Log::segment_limit() const noexcept {
  if (options_.max_bytes == 0) return Segment::kHeaderSize + 1;
  return std::clamp(options_.max_bytes / 8, kSmallestSegment, kLargestSegment);
}

void Log::roll(std::uint32_t database_pages, std::uint32_t page_size) {
  const std::shared_ptr<Segment> full = segments_.back();
  full->flush();
  full->sync();
  const std::optional<Segment::Record> last = full->last();
  if (!last) segments_.pop_back();  // nothing came into it, so the next one has its name
  add_segment(full->header().log_id, added_end_, last ? last->checksum : full->header().checksum, page_size,
              database_pages);
}

void Log::drop_old() {
  std::uint64_t bytes = 0;
  for (const auto& segment : segments_) bytes += segment->size();
  const std::int64_t oldest = options_.max_age ? now_ms() - std::chrono::milliseconds(*options_.max_age).count() : 0;
  while (segments_.size() > 1 && (bytes > options_.max_bytes || segments_.front()->newest_ms() < oldest)) {
    bytes -= segments_.front()->size();
    discard(segments_.front()->path());
    segments_.erase(segments_.begin());
  }
}

std::int64_t Log::committed_ms(FrameNo end) {
  const std::lock_guard lock(count_mutex_);
  std::int64_t ms = 0;
  while (!commits_.empty() && commits_.front().end <= end) {
    if (commits_.front().end == end) ms = commits_.front().ms;
    commits_.pop_front();
  }
  return ms != 0 ? ms : now_ms();
}

bool Log::before_restart(const LogView& log, Salts next) noexcept {
  const std::lock_guard lock(copy_mutex_);
  try {
    if (segments_.empty()) return false;  // it is being opened, and has not looked yet
    if (!goes_on(log)) return true;       // begins again as soon as somebody looks
    copy(log);
    if (copied_to_.salts != log.salts || copied_to_.frame != log.last_frame) return true;
    Segment& segment = *segments_.back();
    segment.add_restart(copied_to_, next);
    segment.flush();
    segment.sync();
    next_ = next;
    const std::lock_guard count_lock(count_mutex_);
    next_life_ = Life{next, added_end_};
    return true;
  } catch (const std::exception&) {
    // The frames are kept where they are, if that is not for ever.
    const std::uint64_t uncopied = std::uint64_t{log.last_frame} * log.page_size;
    return uncopied > options_.max_uncopied_bytes;
  }
}

// ---- counting -------------------------------------------------------------------------------------------------------

void Log::note_write(const local::WriteLine::Write& write) noexcept {
  try {
    const std::lock_guard lock(count_mutex_);
    const Salts salts = salts_of(write.end);
    if (lives_.empty()) return;
    if (lives_.back().salts != salts && next_life_ && next_life_->salts == salts) {
      add_life(*next_life_);
      next_life_.reset();
    }
    if (lives_.back().salts == salts) {
      const FrameNo end = lives_.back().before + write.end.frame;
      end_.store(end, std::memory_order_release);
      commits_.push_back({end, now_ms()});
      if (commits_.size() > kRememberedCommits) commits_.pop_front();
    }                                // else another process began it anew, and the next look shows
  } catch (const std::exception&) {  // no memory: the next look counts
  }
  wake();
}

std::optional<FrameNo> Log::frame_of(const engine::LogEnd& end) const {
  const Salts salts = salts_of(end);
  const std::lock_guard lock(count_mutex_);
  for (auto life = lives_.rbegin(); life != lives_.rend(); ++life) {
    if (life->salts != salts) continue;
    const FrameNo behind = life->before + end.frame;
    return behind == 0 ? std::nullopt : std::optional(behind - 1);
  }
  if (next_life_ && next_life_->salts == salts) {
    const FrameNo behind = next_life_->before + end.frame;
    return behind == 0 ? std::nullopt : std::optional(behind - 1);
  }
  return std::nullopt;
}

std::shared_ptr<const void> Log::on_growth(std::function<void()> listener) {
  auto shared = std::make_shared<const std::function<void()>>(std::move(listener));
  const std::lock_guard lock(listeners_mutex_);
  listeners_.emplace_back(shared);
  return shared;
}

void Log::wake() noexcept {
  const std::lock_guard lock(listeners_mutex_);
  std::erase_if(listeners_, [](const auto& entry) {
    const auto listener = entry.lock();
    if (listener != nullptr) (*listener)();
    return listener == nullptr;
  });
}

// ---- reading --------------------------------------------------------------------------------------------------------

Log::State Log::state_now() const {
  return {segments_.back()->header().log_id, segments_.front()->first_frame(), added_end_};
}

Log::State Log::state() const {
  const std::lock_guard lock(copy_mutex_);
  State state = state_now();
  state.end = std::max(state.end, end_.load(std::memory_order_acquire));
  return state;
}

Log::State Log::catch_up() {
  const std::lock_guard connection_lock(connection_mutex_);
  const engine::wal::ReadScope scope(connection_->handle());
  const LogView log = view(scope);
  const std::lock_guard lock(copy_mutex_);
  copy(log);
  return state_now();
}

void Log::sync() {
  catch_up();
  const std::lock_guard lock(copy_mutex_);
  segments_.back()->sync();
}

Log::Reading Log::read(const Uuid& id, FrameNo from, const std::function<bool(const LoggedFrame&)>& take) {
  constexpr std::uint32_t kAtOnce = 64;
  std::vector<std::byte> images;
  bool caught_up = false;
  for (;;) {
    std::shared_ptr<Segment> segment;
    {
      const std::lock_guard lock(copy_mutex_);
      if (segments_.back()->header().log_id != id) return Reading::OtherLog;
      if (from < segments_.front()->first_frame()) return Reading::TooOld;
      for (const auto& each : segments_) {
        if (from >= each->first_frame() && from < each->end_frame()) segment = each;
      }
      if (segment != nullptr && options_.commits_may_be_lost) segment->sync();
    }
    if (segment == nullptr) {
      if (std::exchange(caught_up, true)) return Reading::Done;
      catch_up();
      continue;
    }
    const std::optional<Segment::Record> record = segment->find(from);
    if (!record) continue;
    const std::vector<Segment::Entry> table = segment->table(*record);
    const std::size_t page_size = segment->header().page_size;
    for (auto at = static_cast<std::uint32_t>(from - record->first_frame); at < record->frames; at += kAtOnce) {
      const std::uint32_t count = std::min(kAtOnce, record->frames - at);
      images.resize(count * page_size);
      segment->read_pages(*record, table, at, images);
      for (std::uint32_t i = 0; i < count; ++i) {
        LoggedFrame frame;
        frame.number = record->first_frame + at + i;
        frame.page_no = table[at + i].page_no;
        frame.size_after = at + i + 1 == record->frames ? record->size_after : 0;
        frame.checksum = table[at + i].checksum;
        frame.committed_ms = record->committed_ms;
        frame.page = std::span(images).subspan(i * page_size, page_size);
        if (!take(frame)) return Reading::Done;
      }
    }
    from = record->first_frame + record->frames;
  }
}

std::optional<std::vector<std::uint32_t>> Log::pages_changed_since(const Uuid& id, FrameNo from) {
  catch_up();
  const std::lock_guard lock(copy_mutex_);
  if (segments_.back()->header().log_id != id || from < pages_.first()) return std::nullopt;
  return pages_.changed_since(from);
}

Log::Figures Log::figures() const {
  const std::lock_guard lock(copy_mutex_);
  Figures figures;
  for (const auto& segment : segments_) figures.bytes += segment->size();
  figures.segments = segments_.size();
  figures.incarnation = incarnation_;
  figures.copied_frames = copied_frames_;
  figures.oldest_ms = segments_.front()->header().created_ms;
  return figures;
}

}  // namespace libsql::replication
