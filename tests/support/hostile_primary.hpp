// A primary that says what bytes tell it to, right and wrong, to a follower; and then an honest one, which must be able
// to put everything right. For the fuzzer and for a test with random bytes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <libsql/error.hpp>

#include "core/errors.hpp"
#include "replica/follower.hpp"
#include "replication/bytes.hpp"
#include "support/primary_log.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::test {

/// Two logs with some commits, made once.
inline const std::vector<std::shared_ptr<PrimaryLog>>& known_logs() {
  static const auto* const logs = [] {
    auto* all = new std::vector<std::shared_ptr<PrimaryLog>>;
    for (const std::uint8_t id : {std::uint8_t{1}, std::uint8_t{2}}) {
      auto log = std::make_shared<PrimaryLog>(id);
      log->commit("CREATE TABLE t(a, b)");
      for (int i = 0; i < 3; ++i) {
        log->commit(std::string("INSERT INTO t SELECT ")
                        .append(std::to_string(id))
                        .append(", zeroblob(3000) FROM generate_series(1, 4)"));
      }
      log->commit("DELETE FROM t WHERE rowid > 6");
      log->commit("VACUUM");
      all->push_back(std::move(log));
    }
    return all;
  }();
  return *logs;
}

/// Says what the bytes tell; at their end it fails.
class HostilePrimary final : public replica::Primary {
 public:
  explicit HostilePrimary(std::span<const std::uint8_t> script) : script_(script) {}

  Greeting hello(const net::Wait&) override {
    const std::uint8_t what = next();
    Greeting greeting{log(what).log_id, log(what).last()};
    if ((what & 4U) != 0) greeting.last_frame = next();
    if ((what & 8U) != 0) greeting.last_frame.reset();
    if ((what & 16U) != 0) greeting.log_id = {};
    return greeting;
  }
  Outcome frames(std::uint64_t from, const Take& take, const net::Wait&) override {
    const std::uint8_t what = next();
    if ((what & 0x30U) == 0x30U) return (what & 8U) != 0 ? Outcome::NoHello : Outcome::NeedSnapshot;
    const PrimaryLog& source = log(what);
    std::uint64_t at = (what & 4U) != 0 ? next() : from;
    if ((what & 8U) != 0) on_joined(next());
    for (std::uint8_t count = next() & 31U; count > 0 && at < source.frames.size(); --count, ++at) {
      give(source.frames[at], take);
    }
    return Outcome::Done;
  }
  Outcome snapshot(std::uint64_t, const Take& take, const net::Wait&) override {
    const std::uint8_t what = next();
    const auto stream = log(what).snapshot();
    std::size_t count = (what & 4U) != 0 ? next() : stream.size();
    for (const auto& frame : stream) {
      if (count-- == 0) break;
      give(frame, take);
    }
    return (what & 8U) != 0 ? Outcome::NeedSnapshot : Outcome::Done;
  }
  std::uint64_t bytes_received() const noexcept override { return 0; }

 private:
  std::uint8_t next() {
    if (script_.empty()) {
      detail::ErrorData data;
      data.code = ErrorCode::Network;
      data.message = "the script is over";
      core::throw_error(std::move(data));
    }
    const std::uint8_t byte = script_.front();
    script_ = script_.subspan(1);
    return byte;
  }
  static const PrimaryLog& log(std::uint8_t what) { return *known_logs()[what & 1U]; }
  // As it is, most often.
  void give(PrimaryLog::Frame frame, const Take& take) {
    const std::uint8_t what = next();
    if (what < 200) return take(frame);
    const std::uint8_t value = next();
    switch (what % 6) {
      case 0:
        replication::store_le<std::uint32_t>(&frame[16], value);  // another page
        break;
      case 1:
        replication::store_le<std::uint32_t>(&frame[20], value);  // another size
        break;
      case 2:
        replication::store_le<std::uint64_t>(&frame[0], value);  // another number
        break;
      case 3:
        frame[24 + value * 16U] ^= std::byte{0x10};  // damage
        break;
      case 4:
        replication::store_le<std::uint64_t>(&frame[8], 0);  // no checksum, and damage in the header of the page
        frame[24 + value % 100U] ^= std::byte{0x10};
        break;
      default:
        return take(std::span(frame).first(value));
    }
    take(frame);
  }

  std::span<const std::uint8_t> script_;
};

/// Syncs with the hostile primary, perhaps several times, and then with an honest one. Throws std::runtime_error if
/// something else than an Error comes out of a sync, or the honest primary is not followed.
inline void survive(std::span<const std::uint8_t> script) {
  const TemporaryDirectory directory;
  replica::FollowerOptions options;
  options.local.path = directory.file("replica");
  options.local.busy_timeout = std::chrono::milliseconds(0);
  const auto half = script.size() / 2;
  for (const auto part : {script.first(half), script.subspan(half)}) {
    const auto follower = replica::Follower::open(options, std::make_unique<HostilePrimary>(part));
    for (int i = 0; i < 3; ++i) {
      replica::SyncRequest request;
      request.wait.deadline = net::Deadline::after(std::chrono::seconds(5));
      try {
        follower->sync(request);
      } catch (const Error&) {  // what else
      }
    }
  }
  // Its log is one that nobody knows yet, so it replaces whatever there is.
  auto truth = std::make_shared<PrimaryScript>();
  static const auto* const honest = [] {
    auto* log = new std::shared_ptr<PrimaryLog>(std::make_shared<PrimaryLog>(std::uint8_t{9}));
    (*log)->commit("CREATE TABLE t(a, b); INSERT INTO t SELECT 9, zeroblob(2000) FROM generate_series(1, 7)");
    return log;
  }();
  truth->log = *honest;
  const auto follower = replica::Follower::open(options, std::make_unique<ScriptedPrimary>(truth));
  follower->sync();
  const auto connection = follower->store()->borrow();
  if (connection->query_integer("SELECT count(*) FROM t WHERE a = 9") != 7) throw std::runtime_error("not in step");
  if (connection->query_text("PRAGMA integrity_check").value_or("") != "ok") throw std::runtime_error("damaged");
}

}  // namespace libsql::test
