#include "local/frame_writer.hpp"

#include <exception>
#include <utility>

#include <libsql/error.hpp>

#include "core/errors.hpp"
#include "engine/wal_log.hpp"

namespace libsql::local {
namespace {

// As SQLite's own writers do it: from this length on they go back to the first frame if they can.
constexpr std::uint32_t kLongLog = 1000;

}  // namespace

FrameWriter::FrameWriter(std::shared_ptr<Store> store)
    : store_(std::move(store)), connection_(store_->open_connection()) {
  if (store_->write_line() == nullptr) {
    core::throw_unsupported("adding frames", "local", "the database is in memory");
  }
  // What a client is told to be there has to stay there.
  connection_->execute_script("PRAGMA main.synchronous=FULL");
  turn_ = std::make_unique<WriteTurn>(*connection_, store_->write_line(), WriteTurn::Scope::AllWrites);
}

FrameWriter::~FrameWriter() { roll_back(); }

void FrameWriter::begin() {
  using engine::wal::Publishing;
  turn_->take();
  try {
    const WalState state = engine::wal::Log(connection_->handle()).state();
    if (state.max_frame >= kLongLog && state.backfilled == state.max_frame) {
      try {
        inserter_.emplace(connection_->handle(), WalInsertOptions{WalInsertStart::NewLog, {}}, Publishing::AtOnce);
        return;
      } catch (const Error& error) {  // somebody reads it, or it has grown
        if (error.code() != ErrorCode::Busy && error.code() != ErrorCode::Conflict) throw;
      }
    }
    inserter_.emplace(connection_->handle(), WalInsertOptions{}, Publishing::AtOnce);
  } catch (...) {
    end();
    throw;
  }
}

void FrameWriter::add(WalFrameInfo info, std::span<const std::byte> page) {
  inserter_->frame(inserter_->max_frame() + 1, info, page);
}

void FrameWriter::publish() {
  try {
    inserter_->publish();
  } catch (...) {
    roll_back();
    throw;
  }
  end();
  const auto& policy = store_->checkpoints().policy();
  if (policy.by != Checkpointer::Writers) return;
  try {
    // No commit of the engine's was there to do it.
    if (engine::wal::Log(connection_->handle()).state().max_frame >= kLongLog) {
      store_->checkpoints().checkpoint(Checkpoints::Extent::CutIfLarge);
    }
  } catch (const Error&) {  // the next writer tries again
  }
}

void FrameWriter::roll_back() noexcept {
  if (inserter_ || turn_->is_held()) end();
}

void FrameWriter::end() noexcept {
  inserter_.reset();
  try {
    // The end of the log that the turn tells of is the one that the connection has read last.
    connection_->query_text("SELECT 1 FROM sqlite_schema LIMIT 1");
  } catch (const std::exception&) {  // the next write is reported together with this one
  }
  turn_->give_up();
}

}  // namespace libsql::local
