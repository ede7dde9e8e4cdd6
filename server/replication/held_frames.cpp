#include "server/replication/held_frames.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <random>
#include <utility>

#include "core/clock.hpp"
#include "core/errors.hpp"
#include "server/base/failure.hpp"

namespace libsql::server {
namespace {

[[noreturn]] void throw_io(const char* what) {
  const ErrorCode code = errno == ENOSPC || errno == EDQUOT ? ErrorCode::Full : ErrorCode::Io;
  core::throw_error(code, std::string("frames of a push cannot be ").append(what).append(": ") + std::strerror(errno));
}

std::string new_baton() {
  std::random_device random;
  std::string baton;
  for (int i = 0; i < 32; ++i) baton += "0123456789abcdef"[random() % 16];
  return baton;
}

}  // namespace

HeldFrames::HeldFrames(const std::string& folder) {
  std::string name = folder + "/push-XXXXXX";
  fd_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd_ < 0) throw_io("kept");
  ::unlink(name.c_str());
}

HeldFrames::~HeldFrames() { ::close(fd_); }

void HeldFrames::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_io("kept");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    size_ += static_cast<std::uint64_t>(n);
  }
}

void HeldFrames::read(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t n = ::pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = EIO;
    if (n <= 0) throw_io("read");
    out = out.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
}

void HeldPushes::check_size(std::uint64_t bytes) const {
  if (bytes <= max_of_one_) return;
  throw RequestRefused(413, "PUSH_TOO_LARGE",
                       "a transaction that is pushed in parts may take " + std::to_string(max_of_one_) + " bytes");
}

std::string HeldPushes::keep(HeldPush push) {
  check_size(push.frames->size());
  std::string baton = new_baton();
  const std::lock_guard lock(mutex_);
  drop_expired();
  const auto is_same = [&](const Kept& kept) {
    return kept.push.name_space == push.name_space && kept.push.binding == push.binding;
  };
  while (static_cast<std::size_t>(std::ranges::count_if(kept_, is_same)) >= kMostOfOne) {
    kept_.erase(std::ranges::find_if(kept_, is_same));
  }
  std::uint64_t all = push.frames->size();
  std::uint64_t of_one = all;
  for (const Kept& kept : kept_) {
    all += kept.push.frames->size();
    if (kept.push.name_space == push.name_space) of_one += kept.push.frames->size();
  }
  if (all > max_bytes_ || of_one > max_of_one_) {
    throw RequestRefused(503, "TOO_MANY_PUSHES", "transactions that are being pushed have reached their limit");
  }
  kept_.push_back({baton, std::move(push), core::SteadyClock::now() + wait_});
  return baton;
}

std::optional<HeldPush> HeldPushes::take(std::string_view baton, std::string_view name_space,
                                         std::string_view binding) {
  const std::lock_guard lock(mutex_);
  drop_expired();
  const auto found = std::ranges::find_if(kept_, [&](const Kept& kept) {
    return kept.baton == baton && kept.push.name_space == name_space && kept.push.binding == binding;
  });
  if (found == kept_.end()) return std::nullopt;
  HeldPush push = std::move(found->push);
  kept_.erase(found);
  return push;
}

void HeldPushes::tidy() {
  const std::lock_guard lock(mutex_);
  drop_expired();
}

std::size_t HeldPushes::size() const {
  const std::lock_guard lock(mutex_);
  return kept_.size();
}

void HeldPushes::drop_expired() {
  const auto now = core::SteadyClock::now();
  while (!kept_.empty() && kept_.front().until <= now) kept_.pop_front();
}

}  // namespace libsql::server
