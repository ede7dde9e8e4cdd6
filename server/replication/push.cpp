#include "server/replication/push.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include <libsql/error.hpp>

#include "core/errors.hpp"
#include "local/frame_writer.hpp"
#include "replication/frame.hpp"
#include "server/base/failure.hpp"

namespace libsql::server {
namespace {

using replication::FrameNo;
using replication::kFrameSize;
using replication::kPageSize;
using replication::Log;
using replication::WalFrames;
using replication::WalFrameView;
using replication::v2::SyncAnswer;
using replication::v2::SyncRoute;
using replication::v2::SyncStatus;

constexpr std::uint32_t kLockBytePage = 0x40000000 / kPageSize + 1;
constexpr std::size_t kWalVersionAt = 18;

[[noreturn]] void refuse(std::uint32_t position, const char* why) {
  throw RequestRefused(400, "FRAME_INVALID",
                       std::string("frame ").append(std::to_string(position)).append(" ").append(why));
}

// What no database could hold, whatever else is in it.
void check_frame(std::uint32_t position, const WalFrameView& frame, const NamespaceConfig& config) {
  const std::uint32_t page = frame.header.page_no;
  if (page == 0) refuse(position, "names page 0");
  if (page == kLockBytePage) refuse(position, "names the page of the lock bytes");
  if (page == 1) {
    const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(frame.page[i]); };
    if (std::memcmp(frame.page.data(), "SQLite format 3", 16) != 0) refuse(position, "is no beginning of a database");
    if (at(16) << 8U != kPageSize || at(17) != 0) refuse(position, "is of a database with pages of another size");
    if (at(kWalVersionAt) != 2 || at(kWalVersionAt + 1) != 2) refuse(position, "is of a database not in WAL mode");
  }
  const std::uint64_t size = std::uint64_t{frame.header.size_after} * kPageSize;
  if (config.max_db_size && size > *config.max_db_size) {
    throw RequestRefused(413, "DATABASE_FULL", "the database would be larger than is allowed");
  }
}

// The frames of a push one after the other: those kept from earlier requests, and those of this one.
class Frames {
 public:
  Frames(const HeldFrames* held, WalFrames fresh) : held_(held), fresh_(fresh) {
    if (held != nullptr) held_count_ = static_cast<std::uint32_t>(held->size() / kFrameSize);
  }
  std::uint32_t size() const noexcept { return held_count_ + static_cast<std::uint32_t>(fresh_.size()); }
  /// Valid until the next call.
  WalFrameView at(std::uint32_t i) {
    if (i >= held_count_) return fresh_[i - held_count_];
    held_->read(std::uint64_t{i} * kFrameSize, buffer_);
    return (*WalFrames::of(buffer_))[0];
  }
  /// How many there are up to the last commit.
  std::uint32_t committed() const {
    for (std::size_t i = fresh_.size(); i > 0; --i) {
      if (fresh_[i - 1].header.is_commit()) return held_count_ + static_cast<std::uint32_t>(i);
    }
    return 0;
  }

 private:
  const HeldFrames* const held_;
  const WalFrames fresh_;
  std::uint32_t held_count_ = 0;
  std::array<std::byte, kFrameSize> buffer_{};
};

// Whether the first `count` frames are those that the log has from `first` on.
bool are_there(Log& log, const replication::Uuid& id, FrameNo first, Frames& frames, std::uint32_t count) {
  std::uint32_t same = 0;
  if (count == 0) return true;
  const Log::Reading reading = log.read(id, first, [&](const replication::LoggedFrame& logged) {
    const WalFrameView frame = frames.at(same);
    if (frame.header.page_no != logged.page_no || frame.header.size_after != logged.size_after ||
        logged.page.size() != kPageSize || std::memcmp(frame.page.data(), logged.page.data(), kPageSize) != 0) {
      return false;
    }
    return ++same < count;
  });
  return reading == Log::Reading::Done && same == count;
}

// A transaction that enlarges the database has to bring the new pages: nothing else would be there.
class Growth {
 public:
  explicit Growth(std::uint32_t pages) noexcept : pages_(pages) {}
  void add(std::uint32_t position, const replication::WalFrameHeader& header) {
    if (header.page_no > pages_) fresh_.insert(header.page_no);
    if (!header.is_commit()) return;
    const std::uint32_t size = header.size_after;
    if (size > pages_) {
      std::uint64_t missing = size - pages_;
      if (pages_ < kLockBytePage && size >= kLockBytePage) --missing;
      for (const std::uint32_t page : fresh_) missing -= page <= size ? 1 : 0;
      if (missing != 0) refuse(position, "commits pages that were never sent");
    }
    pages_ = size;
    fresh_.clear();
  }

 private:
  std::uint32_t pages_;
  std::unordered_set<std::uint32_t> fresh_;
};

// A client tries again by itself, so it need not wait here for as long as a statement may, nor hold up the server's
// end.
constexpr std::chrono::milliseconds kLongestWait{15'000};

void begin(local::FrameWriter& writer, const Context& context) {
  writer.connection().patience().set_busy_timeout(std::min(context.lock_wait(), kLongestWait));
  try {
    writer.begin();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Busy && error.code() != ErrorCode::Timeout) throw;
    throw RequestRefused(503, "SQLITE_BUSY", "another writer has the database; try again");
  }
}

}  // namespace

SyncAnswer apply_push(const Context& context, const Generations& generations, Log& log, HeldPushes& held,
                      const SyncRoute& route, std::span<const std::byte> body) {
  const std::optional<WalFrames> fresh = WalFrames::of(body);
  if (!fresh || fresh->size() != route.frame_count()) {
    throw RequestRefused(400, "BODY_INVALID",
                         "the body has " + std::to_string(body.size()) + " bytes, not those of " +
                             std::to_string(route.frame_count()) + " frames");
  }
  for (std::uint32_t i = 0; i < route.frame_count(); ++i) check_frame(route.start + i, (*fresh)[i], context.config());

  const std::string& name = context.name_space().name();
  const std::string binding(context.identity().binding());
  std::optional<HeldPush> begun;
  if (route.baton) begun = held.take(*route.baton, name, binding);
  if (begun &&
      (begun->generation != route.generation || begun->start + begun->frames->size() / kFrameSize != route.start)) {
    begun.reset();
  }

  const Log::State before = log.state();
  const std::optional<Generations::Generation> generation = generations.newest(log);
  const std::uint32_t number = generation ? generation->number : generations.highest() + 1;
  if (route.generation > number) {
    throw RequestRefused(409, "GENERATION_UNKNOWN", "the newest generation is " + std::to_string(number));
  }
  if (!generation || route.generation < number) return {SyncStatus::Conflict, number, 0, std::nullopt};
  const auto here = [&](const Log::State& state) { return static_cast<std::uint32_t>(state.end - generation->first); };

  const std::uint32_t start = begun ? begun->start : route.start;
  Frames frames(begun ? begun->frames.get() : nullptr, *fresh);
  const std::uint32_t committed = frames.committed();

  const auto compare = [&](const Log::State& state) -> std::optional<SyncAnswer> {
    const std::uint32_t max = here(state);
    if (start > max + std::uint64_t{1}) return SyncAnswer{SyncStatus::Ok, number, max, std::nullopt};
    const std::uint32_t known = std::min(max + 1 - start, frames.size());
    // A transaction of which the log has the beginning must be there whole, or another one has come first.
    if (!are_there(log, before.id, generation->first + start - 1, frames, known)) {
      return SyncAnswer{SyncStatus::Conflict, number, max, std::nullopt};
    }
    return std::nullopt;
  };

  // Without a commit nothing is written, so nobody has to wait for it. Most conflicts are seen here, too.
  if (const auto answer = compare(log.catch_up())) return *answer;
  std::uint32_t max = here(log.state());
  if (committed != 0 && start + committed - 1 > max) {
    local::FrameWriter writer(log.store());
    begin(writer, context);
    const Log::State state = log.catch_up();
    if (state.id != before.id) return {SyncStatus::Conflict, number, 0, std::nullopt};
    if (const auto answer = compare(state)) return *answer;
    max = here(state);
    Growth growth(writer.database_pages());
    for (std::uint32_t i = max + 1 - start; i < committed; ++i) {
      const WalFrameView frame = frames.at(i);
      growth.add(start + i, frame.header);
      writer.add({frame.header.page_no, frame.header.size_after}, frame.page);
    }
    writer.publish();
    log.catch_up();
    log.wake();
    max = start + committed - 1;
  }

  SyncAnswer answer{SyncStatus::Ok, number, route.end - 1, std::nullopt};
  if (max + std::uint64_t{1} < route.end) {
    HeldPush rest{name, binding, number, 0, nullptr};
    std::size_t from = 0;
    if (begun && committed == 0) {
      held.check_size(begun->frames->size() + body.size());
      rest.start = begun->start;
      rest.frames = std::move(begun->frames);
    } else {
      rest.start = max + 1;
      rest.frames = std::make_unique<HeldFrames>(generations.folder());
      from = (max + 1 - route.start) * kFrameSize;
      held.check_size(body.size() - from);
    }
    rest.frames->append(body.subspan(from));
    answer.baton = held.keep(std::move(rest));
  }
  return answer;
}

}  // namespace libsql::server
