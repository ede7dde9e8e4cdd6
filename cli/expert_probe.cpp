#include "cli/expert_probe.hpp"

#include <algorithm>
#include <charconv>
#include <libsql/builder.hpp>
#include <libsql/error.hpp>
#include <libsql/hooks.hpp>
#include <libsql/statement.hpp>
#include <libsql/virtual_table.hpp>
#include <memory>
#include <optional>
#include <stdexcept>

#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::cli {
namespace {

constexpr std::string_view kModule = "libsql_expert";

// A type's name as it can be declared again; what it means is in its letters.
std::string declared_type(const std::string& type) {
  const bool plain = std::all_of(type.begin(), type.end(), [](char c) {
    return sql::is_identifier_byte(c) || c == ' ' || c == '(' || c == ')' || c == ',';
  });
  return plain ? " " + type : std::string();
}

std::string declaration_of(const ExpertTable& table) {
  std::string text = "CREATE TABLE x(";
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const ExpertColumn& column = table.columns[i];
    text += (i == 0 ? "" : ",") + sql::quote_identifier(column.name) + declared_type(column.type);
    // As generated ones, hidden columns get no value from an INSERT that names none.
    if (column.generated) text += " HIDDEN";
    if (!column.collation.empty()) text += " COLLATE " + sql::quote_identifier(column.collation);
  }
  return text + ")";
}

class ProbeTable final : public WritableVirtualTable {
 public:
  ProbeTable(const ExpertTable& table, std::size_t number, std::vector<ExpertScan>& scans)
      : table_(table), number_(number), scans_(scans) {}

  std::string declaration() const override { return declaration_of(table_); }

  void best_index(IndexPlan& plan) override {
    ExpertScan scan;
    scan.table = number_;
    int useful = 0;
    for (std::size_t i = 0; i < plan.constraints.size(); ++i) {
      const IndexConstraint& constraint = plan.constraints[i];
      std::vector<ExpertTerm>* const terms = terms_for(scan, constraint.op);
      if (terms == nullptr || !constraint.usable || !can_be_indexed(constraint.column)) continue;
      terms->push_back({constraint.column, std::string(constraint.collation), false});
      plan.use(i);
      ++useful;
    }
    for (const IndexOrder& order : plan.order_by) {
      if (!can_be_indexed(order.column)) continue;
      scan.order.push_back({order.column, {}, order.descending});
      ++useful;
    }
    // The more a question tells, the likelier is the plan that it belongs to, and what that plan asks of other tables.
    plan.cost = 1e6 / (useful + 1);
    if (useful > 0) scans_.push_back(std::move(scan));
  }

  // Nothing here ever runs.
  std::unique_ptr<VirtualCursor> open() override { throw std::logic_error("this table has no rows"); }
  std::int64_t insert(std::optional<std::int64_t>, std::span<const ValueRef>, ConflictAction) override { return 0; }
  void update(std::int64_t, std::int64_t, std::span<const ValueRef>, ConflictAction) override {}
  void remove(std::int64_t) override {}

 private:
  bool can_be_indexed(int column) const {
    return column >= 0 && !table_.columns[static_cast<std::size_t>(column)].is_rowid;
  }

  static std::vector<ExpertTerm>* terms_for(ExpertScan& scan, ConstraintOp op) {
    switch (op) {
      case ConstraintOp::Equal:
      case ConstraintOp::Is:
      case ConstraintOp::IsNull:
        return &scan.equal;
      case ConstraintOp::Greater:
      case ConstraintOp::GreaterOrEqual:
      case ConstraintOp::Less:
      case ConstraintOp::LessOrEqual:
        return &scan.ranges;
      default:
        return nullptr;
    }
  }

  const ExpertTable& table_;
  std::size_t number_;
  std::vector<ExpertScan>& scans_;
};

Connection open_probe() {
  return Builder::local(":memory:")
      .double_quoted_strings(DoubleQuotedStrings::On)
      .statement_cache_bytes(0)
      .build()
      .connect();
}

char event_of(const sql::Token& token) {
  if (sql::is_keyword(token, "INSERT")) return 'i';
  if (sql::is_keyword(token, "UPDATE")) return 'u';
  return sql::is_keyword(token, "DELETE") ? 'd' : '\0';
}

// Where clauses begin that virtual tables do not have: ON CONFLICT and RETURNING.
std::size_t end_without_clauses(std::string_view statement) {
  sql::Tokenizer tokenizer(statement);
  int depth = 0;
  sql::Token before;
  for (sql::Token token = tokenizer.next_significant(); token.kind != sql::TokenKind::End;
       token = tokenizer.next_significant()) {
    if (token.kind == sql::TokenKind::LeftParen) ++depth;
    if (token.kind == sql::TokenKind::RightParen) --depth;
    if (depth == 0 && sql::is_keyword(token, "RETURNING")) return token.offset;
    if (depth == 0 && sql::is_keyword(token, "CONFLICT") && sql::is_keyword(before, "ON")) return before.offset;
    before = token;
  }
  return statement.size();
}

}  // namespace

ExpertProbe::ExpertProbe(const std::deque<ExpertTable>& tables, const std::vector<ExpertObject>& others,
                         const std::vector<ExpertObject>& triggers, const std::function<void(Connection&)>& set_up)
    : tables_(tables), connection_(open_probe()) {
  set_up(connection_);
  const auto make = [this](const TableRequest& request) {
    std::size_t number = 0;
    const std::string_view text = request.arguments[0];
    std::from_chars(text.data(), text.data() + text.size(), number);
    return std::make_unique<ProbeTable>(tables_.at(number), number, scans_);
  };
  VirtualTables(connection_).writable_module(kModule, make, ModuleKind::Created);
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    std::string sql = "CREATE VIRTUAL TABLE " + sql::quote_identifier(tables_[i].name);
    sql.append(" USING ").append(kModule).append("(").append(std::to_string(i)).append(")");
    connection_.execute(sql);
  }
  const auto try_to = [this](const std::string& sql) {
    try {
      connection_.execute(sql);
    } catch (const Error&) {
      // It needs what is not here: a statement that uses it says so.
    }
  };
  for (const ExpertObject& other : others) try_to(other.sql);
  for (const ExpertObject& trigger : triggers) {
    const auto is_its = [&](const ExpertObject& other) { return sql::equals_ignoring_case(other.name, trigger.table); };
    if (std::any_of(others.begin(), others.end(), is_its)) {
      try_to(trigger.sql);
    } else {
      add_trigger(trigger);
    }
  }
}

// Virtual tables have no triggers. One is compiled with a statement on an ordinary table of the same columns.
void ExpertProbe::add_trigger(const ExpertObject& trigger) {
  sql::Tokenizer tokenizer(trigger.sql);
  char event = '\0';
  sql::Token token = tokenizer.next_significant();
  while (token.kind != sql::TokenKind::End && !sql::is_keyword(token, "ON")) {
    if (event == '\0') event = event_of(token);
    token = tokenizer.next_significant();
  }
  const std::size_t start = token.end();
  token = tokenizer.next_significant();
  std::size_t end = token.end();
  token = tokenizer.next_significant();
  if (token.kind == sql::TokenKind::Dot) end = tokenizer.next_significant().end();
  if (event == '\0' || end > trigger.sql.size()) return;
  try {
    const std::string table = stand_in(trigger.table);
    connection_.execute(trigger.sql.substr(0, start) + " " + table + trigger.sql.substr(end));
    triggers_.push_back({trigger.table, event});
  } catch (const Error&) {
    // As above.
  }
}

std::string ExpertProbe::stand_in(const std::string& table) {
  for (const auto& [of, name] : stand_ins_) {
    if (sql::equals_ignoring_case(of, table)) return name;
  }
  std::string columns;
  for (const ExpertTable& known : tables_) {
    if (!sql::equals_ignoring_case(known.name, table)) continue;
    for (const ExpertColumn& column : known.columns) {
      columns += (columns.empty() ? "" : ",") + sql::quote_identifier(column.name) + declared_type(column.type);
    }
  }
  std::string name(kModule);
  name.append("_stand_in_").append(std::to_string(stand_ins_.size()));
  connection_.execute("CREATE TABLE " + name + "(" + columns + ")");
  stand_ins_.emplace_back(table, name);
  return name;
}

std::string ExpertProbe::statement_for(const std::string& table, char event) {
  const std::string name = stand_in(table);
  if (event == 'i') return "INSERT INTO " + name + " DEFAULT VALUES";
  if (event == 'd') return "DELETE FROM " + name;
  std::string sets;
  for (auto [column] : connection_.query<std::string>("SELECT name FROM pragma_table_info(?)", name)) {
    const std::string quoted = sql::quote_identifier(column);
    sets += (sets.empty() ? "" : ",") + quoted + "=" + quoted;
  }
  return "UPDATE " + name + " SET " + sets;
}

bool ExpertProbe::compile(std::string_view statement, std::vector<std::pair<std::string, char>>& writes) {
  const Subscription listener = Hooks(connection_).on_authorize([&](const Authorization& wanted) {
    if (wanted.action == Action::Insert) writes.emplace_back(wanted.table, 'i');
    if (wanted.action == Action::Update) writes.emplace_back(wanted.table, 'u');
    if (wanted.action == Action::Delete) writes.emplace_back(wanted.table, 'd');
    return Verdict::Allow;
  });
  try {
    static_cast<void>(connection_.prepare(statement));
    return true;
  } catch (const Error&) {
    return false;
  }
}

void ExpertProbe::look_at(std::string_view statement) {
  std::vector<std::pair<std::string, char>> writes;
  if (!compile(statement, writes)) compile(statement.substr(0, end_without_clauses(statement)), writes);
  for (std::size_t i = 0; i < writes.size(); ++i) {  // grows by what triggers write
    const auto write = writes[i];
    if (std::find(writes.begin(), writes.begin() + static_cast<std::ptrdiff_t>(i), write) !=
        writes.begin() + static_cast<std::ptrdiff_t>(i)) {
      continue;
    }
    const bool fires = std::any_of(triggers_.begin(), triggers_.end(), [&](const Trigger& trigger) {
      return trigger.event == write.second && sql::equals_ignoring_case(trigger.table, write.first);
    });
    if (fires) compile(statement_for(write.first, write.second), writes);
  }
}

}  // namespace libsql::cli
