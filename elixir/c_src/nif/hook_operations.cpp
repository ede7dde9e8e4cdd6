#include "elixir/c_src/nif/hook_operations.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <libsql/authorizer.hpp>
#include <libsql/change_stream.hpp>
#include <libsql/hooks.hpp>

#include "elixir/c_src/nif/terms.hpp"

namespace libsql::beam {

namespace {

ERL_NIF_TERM done(const Operation& op) {
  return enif_make_tuple3(op.env, atom(op.env, "ok"), atom(op.env, "nil"),
                          atom(op.env, in_transaction(op.session) ? "true" : "false"));
}

const char* name_of(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::Insert:
      return "insert";
    case ChangeKind::Update:
      return "update";
    case ChangeKind::Delete:
      return "delete";
  }
  return "update";
}

/// Sends messages to one process. A mailbox has no bound that could block the sender; a process that is gone is sent
/// nothing more.
class Subscriber {
 public:
  explicit Subscriber(const ErlNifPid& pid) : pid_(pid) {}

  template <class Build>
  void send(Build build) {
    if (gone_) return;
    ErlNifEnv* const env = enif_alloc_env();
    if (env == nullptr) return;
    gone_ = enif_send(nullptr, &pid_, env, build(env)) == 0;
    enif_free_env(env);
  }

 private:
  ErlNifPid pid_;
  bool gone_ = false;
};

/// The process in the first argument, or null for nil.
std::shared_ptr<Subscriber> subscriber_of(const Operation& op) {
  if (is_atom(op.env, op.arguments[0], "nil")) return nullptr;
  ErlNifPid pid;
  if (enif_get_local_pid(op.env, op.arguments[0], &pid) == 0) throw BadTerm{};
  return std::make_shared<Subscriber>(pid);
}

struct Rule {
  Verdict verdict = Verdict::Allow;
  std::optional<std::string> action;  // as to_string(Action) in snake case
  std::optional<std::string> table;
  std::optional<std::string> column;
};

std::string snake(std::string_view name) {
  std::string text;
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !text.empty()) text += '_';
    text += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return text;
}

bool fits(const Rule& rule, const Authorization& wish) {
  // Reading a table without naming a column is no reading of that column.
  return (!rule.action || *rule.action == snake(to_string(wish.action))) &&
         (!rule.table || *rule.table == wish.table) && (!rule.column || *rule.column == wish.column);
}

}  // namespace

ERL_NIF_TERM update_hook(Operation& op) {
  const auto subscriber = subscriber_of(op);
  op.session.detach("update");
  if (subscriber) {
    op.session.attach("update", Hooks(op.session.connection()).on_update([subscriber](const UpdateEvent& event) {
      subscriber->send([&](ErlNifEnv* env) {
        return enif_make_tuple5(env, atom(env, "ecto_libsql_update"), atom(env, name_of(event.kind)),
                                binary(env, event.database), binary(env, event.table),
                                enif_make_int64(env, event.rowid));
      });
    }));
  }
  return done(op);
}

ERL_NIF_TERM commit_hook(Operation& op) {
  const auto subscriber = subscriber_of(op);
  op.session.detach("commit");
  op.session.detach("rollback");
  if (subscriber) {
    Hooks hooks(op.session.connection());
    op.session.attach("commit", hooks.on_commit([subscriber] {
      subscriber->send([](ErlNifEnv* env) { return atom(env, "ecto_libsql_commit"); });
      return CommitVerdict::Commit;
    }));
    op.session.attach("rollback", hooks.on_rollback([subscriber] {
      subscriber->send([](ErlNifEnv* env) { return atom(env, "ecto_libsql_rollback"); });
    }));
  }
  return done(op);
}

ERL_NIF_TERM change_feed(Operation& op) {
  const auto subscriber = subscriber_of(op);
  op.session.follow_changes({});
  if (subscriber) {
    op.session.follow_changes([subscriber](const ChangeSet& set) {
      subscriber->send([&](ErlNifEnv* env) {
        const auto values = [&](const std::vector<Value>& row) {
          if (row.empty()) return atom(env, "nil");
          std::vector<ERL_NIF_TERM> cells;
          for (const Value& value : row) cells.push_back(term_of(env, value.ref()));
          return list(env, cells);
        };
        std::vector<ERL_NIF_TERM> changes;
        for (const Change& change : set.changes) {
          changes.push_back(enif_make_tuple4(env, atom(env, name_of(change.kind)), binary(env, change.table->name),
                                             values(change.old_values), values(change.new_values)));
        }
        return enif_make_tuple4(env, atom(env, "ecto_libsql_changes"), enif_make_uint64(env, set.number),
                                list(env, changes), atom(env, set.truncated ? "true" : "false"));
      });
    });
  }
  return done(op);
}

ERL_NIF_TERM authorizer(Operation& op) {
  if (is_atom(op.env, op.arguments[0], "nil")) {
    op.session.detach("authorizer");
    return done(op);
  }
  std::vector<Rule> rules;
  for_each(op.env, op.arguments[0], [&](ERL_NIF_TERM term) {
    const auto parts = tuple_of(op.env, term);
    if (parts.size() != 4) throw BadTerm{};
    Rule rule;
    const std::string verdict = atom_name(op.env, parts[0]);
    rule.verdict = verdict == "deny" ? Verdict::Deny : verdict == "ignore" ? Verdict::Ignore : Verdict::Allow;
    if (!is_atom(op.env, parts[1], "any")) rule.action = atom_name(op.env, parts[1]);
    if (!is_atom(op.env, parts[2], "nil")) rule.table = text_of(op.env, parts[2]);
    if (!is_atom(op.env, parts[3], "nil")) rule.column = text_of(op.env, parts[3]);
    rules.push_back(std::move(rule));
  });
  op.session.detach("authorizer");
  op.session.attach("authorizer", Hooks(op.session.connection()).on_authorize([rules](const Authorization& wish) {
    for (const Rule& rule : rules) {
      if (fits(rule, wish)) return rule.verdict;
    }
    return Verdict::Allow;
  }));
  return done(op);
}

}  // namespace libsql::beam
