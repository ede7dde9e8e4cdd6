#include "server/run/context.hpp"

#include "server/base/failure.hpp"
#include "server/databases/namespaces.hpp"
#include "sql/quote.hpp"

namespace libsql::server {
namespace {

[[noreturn]] void forbid(const std::string& what) {
  throw RequestRefused(403, "FORBIDDEN", "Authorization forbidden: " + what);
}

}  // namespace

Context::Context(std::shared_ptr<Namespace> name_space, std::shared_ptr<const Identity> identity,
                 Namespaces& namespaces, const Options& options)
    : Context(name_space, name_space->config(), std::move(identity), namespaces, options) {}

Context::Context(std::shared_ptr<Namespace> name_space, std::shared_ptr<const NamespaceConfig> config,
                 std::shared_ptr<const Identity> identity, Namespaces& namespaces, const Options& options)
    : name_space_(std::move(name_space)),
      identity_(std::move(identity)),
      namespaces_(namespaces),
      options_(options),
      permissions_(identity_->permissions(name_space_->name())),
      config_(std::move(config)),
      lock_wait_(options.timeouts.write_wait) {}

Takers takers_of(const Identity& identity, const Namespace& name_space, const Options& options) {
  Takers takers;
  if (!identity.binding().empty()) takers.bearer = {identity.bearer(), &identity.bearer()->taken};
  if (options.namespaces) {
    const std::shared_ptr<NamespaceCounters>& counters = name_space.shared_counters();
    takers.name_space = {counters, &counters->taken};
  }
  return takers;
}

void Context::forbid_writing() const {
  forbid("the credentials do not allow to write to namespace `" + name_space_->name() + "`");
}

void Context::throw_too_large(Whose whose) const {
  tell(Event::ResponseTooLarge);
  if (whose == Whose::Nobody) throw ResponseTooLarge();
  throw ResponseTooLarge(whose);
}

void Context::authorise(const StatementTraits& traits) const {
  if (traits.needs_write() || traits.locks_out_writers()) {
    if (!permissions_.write) forbid_writing();
  } else if (!permissions_.read) {
    forbid("the credentials do not allow to read from namespace `" + name_space_->name() + "`");
  }
  if (traits.kind == StatementClass::Attach) attachable(traits.target);
}

void Context::require(const StatementTraits& traits) const {
  authorise(traits);
  const bool blocked =
      traits.needs_write() ? config_->block_writes : traits.kind == StatementClass::Read && config_->block_reads;
  if (!blocked) return;
  std::string message = "Operation was blocked";
  if (config_->block_reason && !config_->block_reason->empty()) message += ": " + *config_->block_reason;
  throw StatementFailure("BLOCKED", message);
}

std::string Context::attachable(std::string_view name_as_written) const {
  const std::string name = sql::unquote(name_as_written);
  // All refusals are alike, so that somebody without the right to attach cannot find out which namespaces exist.
  const auto refuse = [&] { forbid("namespace `" + name + "` cannot be attached"); };
  if (!identity_->permissions(name).attach || !namespaces_.exists(name)) refuse();
  std::shared_ptr<Namespace> target;
  try {
    target = namespaces_.get(name);
  } catch (const NamespaceError& error) {
    if (error.kind() != NamespaceError::Kind::TooMany) refuse();  // deleted since exists()
    throw RequestRefused(error.status(), std::string(error.code()), error.what());
  }
  if (!target->config()->allow_attach) refuse();
  std::string file = target->attachable();
  if (file.empty()) refuse();
  return file;
}

void Cancellation::cancel() noexcept {
  const std::lock_guard lock(mutex_);
  if (cancelled_.exchange(true, std::memory_order_relaxed)) return;
  if (running_ != nullptr) running_->stop();
}

void Cancellation::watch(std::shared_ptr<engine::Interrupt> running) noexcept {
  const std::lock_guard lock(mutex_);
  if (is_cancelled()) {
    if (running != nullptr) running->stop();
    if (running_ != nullptr) running_->resume();
  }
  running_ = std::move(running);
}

}  // namespace libsql::server
