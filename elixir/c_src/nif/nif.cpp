// The functions that the VM calls. None of them waits, none runs SQL: they queue a call for the connection's thread,
// whose answer comes to the caller as a message.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <erl_nif.h>

#include <libsql/error.hpp>

#include "elixir/c_src/core/session.hpp"
#include "elixir/c_src/core/worker.hpp"
#include "elixir/c_src/nif/handles.hpp"
#include "elixir/c_src/nif/operations.hpp"
#include "elixir/c_src/nif/terms.hpp"

namespace libsql::beam {

namespace {

/// The environment of the function of ours that a scheduler runs now; null on threads of our own. Sending needs it.
thread_local ErlNifEnv* scheduler_env = nullptr;

class OnScheduler {
 public:
  explicit OnScheduler(ErlNifEnv* env) noexcept : before_(std::exchange(scheduler_env, env)) {}
  OnScheduler(const OnScheduler&) = delete;
  OnScheduler& operator=(const OnScheduler&) = delete;
  ~OnScheduler() { scheduler_env = before_; }

 private:
  ErlNifEnv* before_;
};

/// What the caller holds of a call, a resource of the VM: it can cancel the call, or give its answer up.
struct Ticket {
  std::weak_ptr<Worker> worker;
  std::atomic<std::uint64_t> number{0};
  std::atomic<bool> answered{false};
  ErlNifMonitor monitor{};
  bool monitored = false;
};

ErlNifResourceType* ticket_type = nullptr;
/// The operations' names as atoms, in their order.
std::vector<ERL_NIF_TERM> operation_atoms;

void end_ticket(ErlNifEnv*, void* object) { static_cast<Ticket*>(object)->~Ticket(); }

void cancel(Ticket& ticket) noexcept {
  const std::uint64_t number = ticket.number.load();
  if (number == 0) return;
  if (const auto worker = ticket.worker.lock()) worker->cancel(number);
}

/// The caller has died: what it waits for should end.
void caller_down(ErlNifEnv* env, void* object, ErlNifPid*, ErlNifMonitor*) {
  const OnScheduler here(env);
  auto& ticket = *static_cast<Ticket*>(object);
  ticket.answered.store(true);
  cancel(ticket);
}

/// An operation with its arguments, in an environment of its own, where its answer is built too.
class Call final : public Job {
 public:
  Call(ErlNifEnv* env, Ticket* ticket, const ErlNifPid& caller) : env_(env), ticket_(ticket), caller_(caller) {
    enif_keep_resource(ticket_);
  }
  ~Call() override {
    enif_free_env(env_);
    enif_release_resource(ticket_);
  }

  ErlNifEnv* env() const noexcept { return env_; }
  void prepare(ERL_NIF_TERM handle, ERL_NIF_TERM reference, const OperationEntry& entry, ERL_NIF_TERM arguments,
               std::uint64_t connection, std::optional<std::chrono::milliseconds> timeout) {
    handle_ = enif_make_copy(env_, handle);  // so that the connection outlives the call
    reference_ = enif_make_copy(env_, reference);
    arguments_ = enif_make_copy(env_, arguments);
    entry_ = &entry;
    connection_ = connection;
    timeout_ = timeout;
  }

  void run(Session& session) noexcept override {
    try {
      if (session.is_open()) session.deadline(timeout_);
      const auto arguments = tuple_of(env_, arguments_);
      if (arguments.size() != entry_->arity) throw BadTerm{};
      Operation op{env_, arguments, session, connection_};
      answer_ = entry_->run(op);
    } catch (...) {
      answer_ = error_term(env_, in_transaction(session));
    }
    session.publish();
  }

  void answer() noexcept override { send(answer_); }

  void refuse(Refusal reason) noexcept override {
    send(enif_make_tuple2(env_, atom(env_, "error"), atom(env_, reason == Refusal::Closed ? "closed" : "cancelled")));
  }

 private:
  void send(ERL_NIF_TERM term) noexcept {
    if (!ticket_->answered.exchange(true)) {
      enif_send(scheduler_env, &caller_, env_, enif_make_tuple2(env_, reference_, term));
    }
    if (ticket_->monitored) enif_demonitor_process(scheduler_env, ticket_, &ticket_->monitor);
  }

  ErlNifEnv* env_;
  Ticket* ticket_;
  ErlNifPid caller_;
  ERL_NIF_TERM handle_ = 0, reference_ = 0, arguments_ = 0, answer_ = 0;
  const OperationEntry* entry_ = nullptr;
  std::uint64_t connection_ = 0;
  std::optional<std::chrono::milliseconds> timeout_;
};

/// Runs a function of ours: nothing that it throws leaves it.
template <class Body>
ERL_NIF_TERM guarded(ErlNifEnv* env, Body body) noexcept {
  const OnScheduler here(env);
  try {
    return body();
  } catch (...) {
    return enif_make_badarg(env);
  }
}

/// new() -> a handle of a connection that is not open yet.
ERL_NIF_TERM new_connection(ErlNifEnv* env, int, const ERL_NIF_TERM[]) {
  return guarded(env, [&] {
    const std::uint64_t id = Registry::instance().add(Worker::create());
    return make_handle(env, Handle{HandleKind::Connection, id, 0});
  });
}

/// call(connection, reference, operation, arguments, timeout) -> a ticket, :gone or :overloaded. The answer comes as
/// {reference, answer}.
ERL_NIF_TERM call(ErlNifEnv* env, int, const ERL_NIF_TERM argv[]) {
  return guarded(env, [&] {
    std::size_t operation = 0;
    while (operation < operation_atoms.size() && enif_is_identical(argv[2], operation_atoms[operation]) == 0) {
      ++operation;
    }
    if (enif_is_ref(env, argv[1]) == 0 || operation == operation_atoms.size()) throw BadTerm{};
    const auto handle = read_handle(text_of(env, argv[0]));
    if (!handle) return atom(env, "gone");
    // Only what is about that handle alone can be asked with another one than the connection's.
    if (handle->kind != HandleKind::Connection && !operations()[operation].any_handle) return atom(env, "gone");
    const auto worker = Registry::instance().find(handle->connection);
    if (!worker) return atom(env, "gone");
    std::optional<std::chrono::milliseconds> timeout;
    if (!is_atom(env, argv[4], "infinity")) timeout = std::chrono::milliseconds(integer_of(env, argv[4]));
    ErlNifPid caller;
    if (enif_self(env, &caller) == nullptr) throw BadTerm{};

    void* const memory = enif_alloc_resource(ticket_type, sizeof(Ticket));
    if (memory == nullptr) throw std::bad_alloc();
    auto* const ticket = new (memory) Ticket;
    ticket->worker = worker;
    const ERL_NIF_TERM term = enif_make_resource(env, ticket);
    enif_release_resource(ticket);
    ErlNifEnv* const call_env = enif_alloc_env();
    if (call_env == nullptr) throw std::bad_alloc();
    auto job = std::make_unique<Call>(call_env, ticket, caller);
    job->prepare(argv[0], argv[1], operations()[operation], argv[3], handle->connection, timeout);
    ticket->monitored = enif_monitor_process(env, ticket, &caller, &ticket->monitor) == 0;
    const std::uint64_t number = worker->post(std::move(job));
    if (number == 0) {
      if (ticket->monitored) enif_demonitor_process(env, ticket, &ticket->monitor);
      return atom(env, worker->is_closed() ? "gone" : "overloaded");
    }
    ticket->number.store(number);
    return term;
  });
}

Ticket& ticket_of(ErlNifEnv* env, ERL_NIF_TERM term) {
  void* object;
  if (enif_get_resource(env, term, ticket_type, &object) == 0) throw BadTerm{};
  return *static_cast<Ticket*>(object);
}

/// cancel(ticket) -> :ok. The call ends soon; its answer still comes.
ERL_NIF_TERM cancel_call(ErlNifEnv* env, int, const ERL_NIF_TERM argv[]) {
  return guarded(env, [&] {
    cancel(ticket_of(env, argv[0]));
    return atom(env, "ok");
  });
}

/// abandon(ticket) -> true: no answer will come; false: it is on its way.
ERL_NIF_TERM abandon_call(ErlNifEnv* env, int, const ERL_NIF_TERM argv[]) {
  return guarded(env, [&] {
    Ticket& ticket = ticket_of(env, argv[0]);
    const bool first = !ticket.answered.exchange(true);
    cancel(ticket);
    return atom(env, first ? "true" : "false");
  });
}

/// close(connection, reference) -> whether it was open; then {reference, :closed} comes when its files are closed.
ERL_NIF_TERM close_connection(ErlNifEnv* env, int, const ERL_NIF_TERM argv[]) {
  return guarded(env, [&] {
    const auto handle = read_handle(text_of(env, argv[0]));
    if (!handle || handle->kind != HandleKind::Connection) return atom(env, "false");
    const auto worker = Registry::instance().take(handle->connection);
    if (!worker) return atom(env, "false");
    ErlNifPid caller;
    if (enif_self(env, &caller) == nullptr) throw BadTerm{};
    ErlNifEnv* const message_env = enif_alloc_env();
    if (message_env == nullptr) throw std::bad_alloc();
    const ERL_NIF_TERM message =
        enif_make_tuple2(message_env, enif_make_copy(message_env, argv[1]), atom(message_env, "closed"));
    worker->close([message_env, message, caller] {
      enif_send(scheduler_env, &caller, message_env, message);
      enif_free_env(message_env);
    });
    return atom(env, "true");
  });
}

/// interrupt(connection) -> whether there is such a connection. Ends the call that runs now, whosever it is.
ERL_NIF_TERM interrupt(ErlNifEnv* env, int, const ERL_NIF_TERM argv[]) {
  return guarded(env, [&] {
    const auto handle = read_handle(text_of(env, argv[0]));
    const auto worker = handle ? Registry::instance().find(handle->connection) : nullptr;
    if (worker) worker->interrupt_running();
    return atom(env, worker ? "true" : "false");
  });
}

/// in_transaction(handle) -> whether that transaction, or any one of that connection, is open. Asks nobody: it is what
/// the last answer said.
ERL_NIF_TERM in_transaction_now(ErlNifEnv* env, int, const ERL_NIF_TERM argv[]) {
  return guarded(env, [&] {
    const auto handle = read_handle(text_of(env, argv[0]));
    const auto worker = handle ? Registry::instance().find(handle->connection) : nullptr;
    const bool open = worker && (handle->kind == HandleKind::Transaction ? worker->transaction() == handle->id
                                                                         : worker->in_transaction());
    return atom(env, open ? "true" : "false");
  });
}

/// exists(connection) -> whether it is open or opening.
ERL_NIF_TERM exists(ErlNifEnv* env, int, const ERL_NIF_TERM argv[]) {
  return guarded(env, [&] {
    const auto handle = read_handle(text_of(env, argv[0]));
    const bool found =
        handle && handle->kind == HandleKind::Connection && Registry::instance().find(handle->connection);
    return atom(env, found ? "true" : "false");
  });
}

/// owner(handle) -> {kind, the connection's number}, or nil for a string that is no handle.
ERL_NIF_TERM owner(ErlNifEnv* env, int, const ERL_NIF_TERM argv[]) {
  return guarded(env, [&] {
    const auto handle = read_handle(text_of(env, argv[0]));
    if (!handle) return atom(env, "nil");
    constexpr std::array kinds{"connection", "transaction", "statement", "cursor"};
    return enif_make_tuple2(env, atom(env, kinds[static_cast<std::size_t>(handle->kind)]),
                            enif_make_uint64(env, handle->connection));
  });
}

/// counts() -> {connections, threads}: how many there are in this VM.
ERL_NIF_TERM counts(ErlNifEnv* env, int, const ERL_NIF_TERM[]) {
  return guarded(env, [&] {
    return enif_make_tuple2(env, enif_make_uint64(env, Registry::instance().size()),
                            enif_make_uint64(env, Worker::threads_alive()));
  });
}

int load(ErlNifEnv* env, void**, ERL_NIF_TERM) {
  ErlNifResourceTypeInit init{};
  init.dtor = end_ticket;
  init.down = caller_down;
  ticket_type =
      enif_open_resource_type_x(env, "ecto_libsql_ticket", &init,
                                static_cast<ErlNifResourceFlags>(ERL_NIF_RT_CREATE | ERL_NIF_RT_TAKEOVER), nullptr);
  if (ticket_type == nullptr || !open_handle_type(env)) return 1;
  try {
    operation_atoms.clear();
    for (const OperationEntry& entry : operations()) operation_atoms.push_back(atom(env, entry.name));
  } catch (...) {
    return 1;
  }
  return 0;
}

int upgrade(ErlNifEnv* env, void** data, void**, ERL_NIF_TERM info) { return load(env, data, info); }

ErlNifFunc functions[] = {
    {"new", 0, new_connection, 0},
    {"call", 5, call, 0},
    {"cancel", 1, cancel_call, 0},
    {"abandon", 1, abandon_call, 0},
    {"close", 2, close_connection, 0},
    {"interrupt", 1, interrupt, 0},
    {"owner", 1, owner, 0},
    {"exists", 1, exists, 0},
    {"in_transaction", 1, in_transaction_now, 0},
    {"counts", 0, counts, 0},
};

}  // namespace

}  // namespace libsql::beam

using namespace libsql::beam;
ERL_NIF_INIT(Elixir.EctoLibSql.Nif, functions, load, nullptr, upgrade, nullptr)
