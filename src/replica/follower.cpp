#include "replica/follower.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

#include <libsql/error.hpp>

#include "core/errors.hpp"
#include "engine/full_path.hpp"
#include "local/path.hpp"
#include "replica/following.hpp"
#include "replica/primary_client.hpp"

namespace libsql::replica {
namespace {

// The followers of this process, by the paths of their files. An entry stays until its follower has ended for good.
struct Followers {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, std::weak_ptr<Following>> all;
};

Followers& followers() {
  static Followers* const all = new Followers;  // as long as the last follower
  return *all;
}

void end(const std::string& path, Following* following) noexcept {
  delete following;
  Followers& known = followers();
  const std::lock_guard lock(known.mutex);
  known.all.erase(path);
  known.changed.notify_all();
}

void require_same(const FollowerOptions& open, const FollowerOptions& wanted) {
  const auto url = [](const FollowerOptions& options) {
    return options.primary ? options.primary->url : std::string();
  };
  const auto name = [](const FollowerOptions& options) {
    return options.primary ? options.primary->name_space : std::string();
  };
  if (url(open) == url(wanted) && name(open) == name(wanted)) return;
  core::throw_error(ErrorCode::Misuse, "the file '" + wanted.local.path + "' is open as a replica of another primary");
}

std::shared_ptr<Following> find_or_make(FollowerOptions options, std::unique_ptr<Primary> primary) {
  if (options.local.path.empty() || options.local.path.starts_with("file:") ||
      local::names_memory(options.local.path)) {
    core::throw_error(ErrorCode::Configuration, "a replica needs the path of a file");
  }
  const std::string path = engine::full_path(options.local.path, options.local.vfs, false);
  options.local.path = path;
  Followers& known = followers();
  std::unique_lock lock(known.mutex);
  for (;;) {
    const auto found = known.all.find(path);
    if (found == known.all.end()) break;
    if (std::shared_ptr<Following> following = found->second.lock()) {
      require_same(following->options(), options);
      return following;
    }
    known.changed.wait(lock);  // it is being opened, or just coming to its end
  }
  known.all.emplace(path, std::weak_ptr<Following>());
  lock.unlock();
  try {
    if (primary == nullptr && options.primary) {
      primary = std::make_unique<PrimaryClient>(*options.primary, PrimaryClient::Limits{options.max_message_bytes});
    }
    auto made = std::make_unique<Following>(std::move(options), std::move(primary));
    std::shared_ptr<Following> following(made.get(), [path](Following* last) { end(path, last); });
    static_cast<void>(made.release());
    lock.lock();
    known.all[path] = following;
    known.changed.notify_all();
    return following;
  } catch (...) {
    if (!lock.owns_lock()) lock.lock();
    known.all.erase(path);
    known.changed.notify_all();
    throw;
  }
}

}  // namespace

std::shared_ptr<Follower> Follower::open(FollowerOptions options) { return find_or_make(std::move(options), nullptr); }

std::shared_ptr<Follower> Follower::open(FollowerOptions options, std::unique_ptr<Primary> primary) {
  return find_or_make(std::move(options), std::move(primary));
}

std::string_view to_string(Repair::Kind kind) noexcept {
  switch (kind) {
    case Repair::Kind::MetadataMissing:
      return "metadata-missing";
    case Repair::Kind::MetadataDamaged:
      return "metadata-damaged";
    case Repair::Kind::DatabaseMissing:
      return "database-missing";
    case Repair::Kind::DatabaseDamaged:
      return "database-damaged";
    case Repair::Kind::ForeignWrite:
      return "foreign-write";
    case Repair::Kind::OtherLog:
      return "other-log";
    case Repair::Kind::PrimaryWentBack:
      return "primary-went-back";
    case Repair::Kind::HistoryDiverged:
      return "history-diverged";
  }
  return "unknown";
}

std::string_view to_string(Health::State state) noexcept {
  switch (state) {
    case Health::State::Empty:
      return "empty";
    case Health::State::Following:
      return "following";
    case Health::State::Failing:
      return "failing";
    case Health::State::Frozen:
      return "frozen";
  }
  return "unknown";
}

}  // namespace libsql::replica
