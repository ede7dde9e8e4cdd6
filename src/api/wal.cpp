#include <libsql/connection.hpp>
#include <libsql/wal.hpp>
#include <utility>

#include "api/access.hpp"
#include "api/local_session.hpp"
#include "engine/connection.hpp"
#include "engine/hooks.hpp"
#include "engine/wal_insert.hpp"
#include "engine/wal_log.hpp"
#include "local/checkpoints.hpp"
#include "local/store.hpp"

namespace libsql {
namespace {

engine::wal::Log log_of(const std::shared_ptr<core::Session>& session, core::Feature feature = core::Feature::Wal) {
  return engine::wal::Log(detail::Access::engine(session, feature).require_open());
}

// Something that works on a connection's handle, and goes with the connection's reset or close if that comes first.
template <class T>
class OnConnection {
 public:
  template <class Make>
  OnConnection(std::shared_ptr<core::Session> session, core::Feature feature, Make&& make)
      : session_(std::move(session)) {
    engine::Connection& connection = detail::Access::engine(session_, feature);
    object_ = make(connection.require_open());
    cleanup_ = connection.on_reset([this, &connection] {
      static_cast<void>(connection);  // not asked for what has no keep()
      if constexpr (requires { object_->keep(); }) {
        if (connection.is_closing()) object_->keep();
      }
      object_.reset();
    });
  }
  ~OnConnection() { session_->engine_connection()->cancel_cleanup(cleanup_); }
  OnConnection(const OnConnection&) = delete;
  OnConnection& operator=(const OnConnection&) = delete;

  T* get() const noexcept { return object_.get(); }
  T& require() const {
    session_->engine_connection()->require_open();
    if (object_ == nullptr) core::throw_error(ErrorCode::Misuse, "the connection was reset, which ended this");
    return *object_;
  }

 private:
  std::shared_ptr<core::Session> session_;
  std::unique_ptr<T> object_;
  int cleanup_ = 0;
};

}  // namespace

class WalInsert::Impl {
 public:
  Impl(std::shared_ptr<core::Session> session, const WalInsertOptions& options)
      : held_(std::move(session), core::Feature::WalInsert,
              [&](sqlite3* db) { return std::make_unique<engine::wal::Inserter>(db, options); }) {}

  engine::wal::Inserter& inserter() const { return held_.require(); }
  const engine::wal::Inserter* state() const noexcept { return held_.get(); }

 private:
  OnConnection<engine::wal::Inserter> held_;
};

WalInsert::WalInsert(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
WalInsert::WalInsert(WalInsert&&) noexcept = default;
WalInsert& WalInsert::operator=(WalInsert&&) noexcept = default;
WalInsert::~WalInsert() = default;
void WalInsert::frame(std::uint32_t number, std::span<const std::byte> bytes) {
  impl_->inserter().frame(number, bytes);
}
void WalInsert::frame(std::uint32_t number, WalFrameInfo info, std::span<const std::byte> page) {
  impl_->inserter().frame(number, info, page);
}
std::uint32_t WalInsert::max_frame() const noexcept {
  return impl_->state() == nullptr ? 0 : impl_->state()->max_frame();
}
std::uint32_t WalInsert::committed_frame() const noexcept {
  return impl_->state() == nullptr ? 0 : impl_->state()->committed_frame();
}
void WalInsert::end() { impl_->inserter().end(); }

class WalCheckpointGuard::Impl {
 public:
  explicit Impl(const std::shared_ptr<core::Session>& session)
      : held_(session, core::Feature::WalCheckpoint, [&](sqlite3* db) {
          // While WAL listeners stand in for the engine's own function, the PRAGMA does not know the setting.
          engine::Hooks* hooks = session->engine_connection()->existing_hooks();
          return hooks == nullptr ? std::make_unique<engine::wal::CheckpointHold>(db)
                                  : std::make_unique<engine::wal::CheckpointHold>(db, hooks->auto_checkpoint());
        }) {}

 private:
  OnConnection<engine::wal::CheckpointHold> held_;
};

WalCheckpointGuard::WalCheckpointGuard(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
WalCheckpointGuard::WalCheckpointGuard(WalCheckpointGuard&&) noexcept = default;
WalCheckpointGuard& WalCheckpointGuard::operator=(WalCheckpointGuard&&) noexcept = default;
WalCheckpointGuard::~WalCheckpointGuard() = default;

WalHold::WalHold(std::unique_ptr<const local::LogHold> hold) noexcept : hold_(std::move(hold)) {}
WalHold::WalHold(WalHold&&) noexcept = default;
WalHold& WalHold::operator=(WalHold&&) noexcept = default;
WalHold::~WalHold() = default;
const WalState& WalHold::since() const noexcept { return hold_->since(); }
bool WalHold::is_broken() const noexcept { return hold_->is_broken(); }

Wal::Wal(const Connection& connection) : session_(detail::Access::session(connection)) {
  detail::Access::engine(session_, core::Feature::Wal).require_open();
}
Wal::Wal(Wal&&) noexcept = default;
Wal& Wal::operator=(Wal&&) noexcept = default;
Wal::~Wal() = default;

WalState Wal::state() const { return log_of(session_).state(); }
std::uint32_t Wal::frame_count() const { return state().max_frame; }
std::vector<std::byte> Wal::frame(std::uint32_t number) const { return log_of(session_).frame(number); }
WalFrameInfo Wal::frame(std::uint32_t number, std::span<std::byte> out) const {
  return log_of(session_).frame(number, out);
}
std::vector<std::uint32_t> Wal::changed_pages_after(std::uint32_t number) const {
  return log_of(session_).changed_pages_after(number);
}
std::optional<std::vector<std::byte>> Wal::page(std::uint32_t page, std::optional<std::uint32_t> watermark) const {
  return log_of(session_).page(page, watermark);
}
bool Wal::page(std::uint32_t page, std::span<std::byte> out, std::optional<std::uint32_t> watermark) const {
  return log_of(session_).page(page, out, watermark);
}
WalInsert Wal::insert(const WalInsertOptions& options) {
  return WalInsert(std::make_unique<WalInsert::Impl>(session_, options));
}
WalCheckpointResult Wal::checkpoint(WalCheckpointMode mode) {
  return log_of(session_, core::Feature::WalCheckpoint).checkpoint(mode);
}
WalHold Wal::hold() const {
  return WalHold(detail::local_session(*session_, core::Feature::WalCheckpoint).store().checkpoints().hold());
}
WalCheckpointGuard Wal::disable_checkpoint() {
  return WalCheckpointGuard(std::make_unique<WalCheckpointGuard::Impl>(session_));
}

}  // namespace libsql
