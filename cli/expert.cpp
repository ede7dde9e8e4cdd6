#include "cli/expert.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <iterator>
#include <libsql/builder.hpp>
#include <libsql/explain.hpp>
#include <libsql/plan_counters.hpp>
#include <libsql/rows.hpp>
#include <libsql/statement.hpp>
#include <libsql/transaction.hpp>
#include <optional>
#include <set>
#include <vector>

#include "cli/errors.hpp"
#include "cli/expert_probe.hpp"
#include "cli/file_functions.hpp"
#include "sql/classify.hpp"
#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::cli {
namespace {

bool is_same(std::string_view a, std::string_view b) { return sql::equals_ignoring_case(a, b); }

// A number in eight hexadecimal digits, so that an index has the same name each time, and the one that sqlite3 gives
// it.
std::string hash_of(std::string_view text, std::uint32_t step) {
  std::uint32_t hash = step;
  for (const char byte : text) hash += (hash << 3U) + static_cast<unsigned char>(byte);
  std::array<char, 9> digits{};
  std::snprintf(digits.data(), digits.size(), "%08x", hash);
  return digits.data();
}

struct Candidate {
  std::string name;
  std::string table;
  std::string columns;

  std::string sql() const {
    return "CREATE INDEX " + sql::quote_identifier_if_needed(name) + " ON " + sql::quote_identifier_if_needed(table) +
           "(" + columns + ");";
  }
};

bool is_analysed(std::string_view statement) {
  switch (sql::classify(statement).kind) {
    case sql::StatementKind::Select:
    case sql::StatementKind::Values:
    case sql::StatementKind::Insert:
    case sql::StatementKind::Replace:
    case sql::StatementKind::Update:
    case sql::StatementKind::Delete:
      return true;
    default:
      return false;
  }
}

}  // namespace

class Expert::Impl {
 public:
  Impl(Shell& shell, const ExpertOptions& options)
      : shell_(shell), options_(options), source_(shell.connection()), model_(open_model(options)) {
    set_up(model_);
    read_schema();
    copy_tables();
    if (options_.sample > 0) copy_rows();
    for (const std::vector<ExpertObject>* objects : {&indexes_, &views_, &triggers_}) {
      for (const ExpertObject& object : *objects) try_in_model(object.sql);
    }
    if (options_.sample == 0) copy_statistics();
    describe_tables();
    std::vector<ExpertObject> others;
    std::copy_if(tables_.begin(), tables_.end(), std::back_inserter(others), is_virtual);
    others.insert(others.end(), views_.begin(), views_.end());
    probe_.emplace(described_, others, triggers_, [this](Connection& connection) { set_up(connection); });
  }

  void add(std::string_view statement) {
    if (sql::classify(statement).explain != sql::ExplainMode::None) {
      throw CommandError(".expert needs the statement itself, without EXPLAIN");
    }
    if (is_analysed(statement)) {
      static_cast<void>(model_.prepare(statement));
      probe_->look_at(statement);
    }
    statements_.emplace_back(statement);
  }

  void report() {
    const InterruptWatcher::Scope scope(shell_.interrupts(), model_.interrupt_handle());
    make_candidates();
    if (options_.sample > 0) model_.execute("ANALYZE");
    if (options_.verbose) {
      shell_.print_line("-- Candidates -----------------------------");
      for (auto it = candidates_.rbegin(); it != candidates_.rend(); ++it) shell_.print_line(it->sql());
      shell_.print("\n");
    }
    std::optional<PlanCounters> plans_in_programs;
    try {
      plans_in_programs.emplace(model_);
    } catch (const Unsupported&) {
      // The plans of triggers are not seen then.
    }
    for (std::size_t i = 0; i < statements_.size(); ++i) {
      if (options_.verbose) {
        std::string title = "-- Query " + std::to_string(i + 1) + " ";
        title.append(43 - std::min<std::size_t>(title.size(), 43), '-');
        shell_.print_line(title);
        shell_.print_line(statements_[i] + ";\n");
      }
      const std::vector<std::string> plan = is_analysed(statements_[i])
                                                ? plan_of(statements_[i], plans_in_programs.has_value())
                                                : std::vector<std::string>();
      const std::vector<std::string> used = indexes_in(plan);
      if (used.empty()) shell_.print_line("(no new indexes)");
      for (auto it = used.rbegin(); it != used.rend(); ++it) shell_.print_line(*it);
      shell_.print("\n");
      for (const std::string& step : plan) shell_.print_line(step);
      shell_.print("\n");
    }
  }

 private:
  // On disk if rows are copied: they may be many.
  static Connection open_model(const ExpertOptions& options) {
    return Builder::local(options.sample > 0 ? "" : ":memory:")
        .double_quoted_strings(DoubleQuotedStrings::On)
        .statement_cache_bytes(0)
        .pragma("foreign_keys", false)
        .pragma("ignore_check_constraints", true)
        .build()
        .connect();
  }

  void set_up(Connection& connection) {
    if (source_.capabilities().mode != Mode::Remote) add_file_functions(connection);
  }

  void read_schema() {
    std::set<std::string> shadows;
    for (auto [name] :
         source_.query<std::string>("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'")) {
      shadows.insert(name);
    }
    for (auto [type, name, table, text] : source_.query<std::string, std::string, std::string, std::string>(
             "SELECT type, name, tbl_name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE "
             "'sqlite\\_%' ESCAPE '\\' ORDER BY rowid")) {
      if (shadows.contains(name)) continue;
      const ExpertObject object{name, table, text};
      (type == "table" ? tables_ : type == "index" ? indexes_ : type == "view" ? views_ : triggers_).push_back(object);
    }
  }

  void try_in_model(const std::string& text) {
    try {
      model_.execute(text);
    } catch (const Error&) {
      // It needs what is not here, such as a module; a statement that uses it says so.
    }
  }

  void copy_tables() {
    for (const ExpertObject& table : tables_) try_in_model(table.sql);
  }

  static bool is_virtual(const ExpertObject& table) {
    return sql::classify(table.sql).kind == sql::StatementKind::CreateVirtualTable;
  }

  void copy_rows() {
    Transaction transaction = model_.transaction();
    for (const ExpertObject& table : tables_) {
      if (is_virtual(table)) continue;
      std::string columns;
      std::string marks;
      for (auto [name] :
           model_.query<std::string>("SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0", table.name)) {
        columns += (columns.empty() ? "" : ",") + sql::quote_identifier(name);
        marks += marks.empty() ? "?" : ",?";
      }
      if (columns.empty()) continue;
      const std::string name = sql::quote_identifier(table.name);
      Statement insert = model_.prepare("INSERT OR IGNORE INTO " + name + "(" + columns + ") VALUES(" + marks + ")");
      Rows rows =
          source_.query("SELECT " + columns + " FROM main." + name + " WHERE abs(random() % 100) < ?", options_.sample);
      while (rows.next()) {
        Params values;
        for (int i = 0; i < rows.column_count(); ++i) values.add(rows.row().value(i));
        insert.execute(values);
      }
    }
    transaction.commit();
  }

  // What ANALYZE found out about the database itself.
  void copy_statistics() {
    if (source_.query_value<std::int64_t>("SELECT count(*) FROM main.sqlite_schema WHERE name = 'sqlite_stat1'") == 0) {
      return;
    }
    model_.execute("ANALYZE");
    model_.execute("DELETE FROM sqlite_stat1");
    Statement insert = model_.prepare("INSERT INTO sqlite_stat1 VALUES(?, ?, ?)");
    Rows rows = source_.query("SELECT tbl, idx, stat FROM main.sqlite_stat1");
    while (rows.next()) insert.execute(rows.row().value(0), rows.row().value(1), rows.row().value(2));
    model_.execute("ANALYZE sqlite_schema");
  }

  void describe_tables() {
    for (const ExpertObject& object : tables_) {
      if (is_virtual(object)) continue;
      ExpertTable table{object.name, {}};
      std::string all;
      int key_columns = 0;
      for (auto [name, type, key, hidden] : model_.query<std::string, std::string, std::int64_t, std::int64_t>(
               "SELECT name, type, pk, hidden FROM pragma_table_xinfo(?)", object.name)) {
        if (key > 0) ++key_columns;
        table.columns.push_back({name, type, {}, hidden == 2 || hidden == 3, key > 0 && is_same(type, "INTEGER")});
        all += (all.empty() ? "" : ",") + sql::quote_identifier(name);
      }
      if (table.columns.empty()) continue;
      const bool has_rowid = model_.query_value<std::int64_t>(
                                 "SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'", object.name) == 0;
      for (ExpertColumn& column : table.columns) column.is_rowid = column.is_rowid && key_columns == 1 && has_rowid;
      read_collations(table, all);
      described_.push_back(std::move(table));
    }
  }

  // An index of all columns tells how each is compared.
  void read_collations(ExpertTable& table, const std::string& columns) {
    try {
      const Savepoint for_a_moment = model_.savepoint("libsql shell expert");
      model_.execute("CREATE INDEX libsql_expert_collations ON " + sql::quote_identifier(table.name) + "(" + columns +
                     ")");
      std::size_t i = 0;
      for (auto [collation] : model_.query<std::string>(
               "SELECT coll FROM pragma_index_xinfo('libsql_expert_collations') WHERE key ORDER BY seqno")) {
        if (i < table.columns.size()) table.columns[i++].collation = collation;
      }
    } catch (const Error&) {
      // More columns than an index may have, or a collation that is not here: BINARY, then.
    }
  }

  std::string definition(const ExpertTable& table, const ExpertTerm& term) const {
    const ExpertColumn& column = table.columns[static_cast<std::size_t>(term.column)];
    std::string text = sql::quote_identifier_if_needed(column.name);
    const std::string_view own = column.collation.empty() ? "BINARY" : std::string_view(column.collation);
    if (!term.collation.empty() && !is_same(term.collation, own)) {
      text += " COLLATE " + sql::quote_identifier_if_needed(term.collation);
    }
    if (term.descending) text += " DESC";
    return text;
  }

  void make_candidates() {
    // The last question first, as the planner's last is the one that knows most.
    for (auto scan = probe_->scans().rbegin(); scan != probe_->scans().rend(); ++scan) {
      std::vector<ExpertTerm> ranges = scan->ranges;
      std::reverse(ranges.begin(), ranges.end());
      try_candidate(scan->table, scan->equal, {});
      for (const ExpertTerm& range : ranges) try_candidate(scan->table, scan->equal, {range});
      if (!scan->order.empty()) try_candidate(scan->table, scan->equal, scan->order);
    }
  }

  void try_candidate(std::size_t number, const std::vector<ExpertTerm>& equal, const std::vector<ExpertTerm>& tail) {
    const ExpertTable& table = described_[number];
    const auto has = [](const std::vector<ExpertTerm>& terms, const ExpertTerm& term) {
      return std::any_of(terms.begin(), terms.end(), [&](const ExpertTerm& known) {
        return known.column == term.column && is_same(known.collation, term.collation);
      });
    };
    std::vector<ExpertTerm> leading;
    for (const ExpertTerm& term : equal) {
      if (!has(leading, term) && !has(tail, {term.column, {}, false})) leading.push_back(term);
    }
    std::string columns;
    for (const ExpertTerm& term : leading) columns += (columns.empty() ? "" : ", ") + definition(table, term);
    std::vector<ExpertTerm> following;
    for (const ExpertTerm& term : tail) {
      if (has(leading, term)) continue;
      following.push_back(term);
      columns += (columns.empty() ? "" : ", ") + definition(table, term);
    }
    if (columns.empty() || has_index(table, leading, following)) return;
    const auto is_known = [&](const Candidate& known) { return known.table == table.name && known.columns == columns; };
    if (std::any_of(candidates_.begin(), candidates_.end(), is_known)) return;
    Candidate candidate{table.name + "_idx_" + hash_of(columns, 0), table.name, columns};
    for (std::uint32_t step = 1; is_taken(candidate.name); ++step) {
      candidate.name = table.name + "_idx_" + hash_of(columns, step);
    }
    try {
      model_.execute(candidate.sql());
      candidates_.push_back(std::move(candidate));
    } catch (const Error&) {
      // Such an index cannot be: too many columns, for one.
    }
  }

  bool is_taken(const std::string& name) {
    return model_.query_value<std::int64_t>("SELECT count(*) FROM sqlite_schema WHERE name = ? COLLATE nocase", name) !=
           0;
  }

  // Whether an index of the database does the same: it begins with these columns in any order, and those follow.
  bool has_index(const ExpertTable& table, const std::vector<ExpertTerm>& leading,
                 const std::vector<ExpertTerm>& following) {
    std::vector<std::string> names;
    for (auto [name] :
         model_.query<std::string>("SELECT name FROM pragma_index_list(?) WHERE NOT partial", table.name)) {
      const auto is_candidate = [&](const Candidate& candidate) { return candidate.name == name; };
      if (std::none_of(candidates_.begin(), candidates_.end(), is_candidate)) names.push_back(name);
    }
    const auto same = [&](const ExpertTerm& a, const ExpertTerm& b) {
      const std::string& own = table.columns[static_cast<std::size_t>(b.column)].collation;
      return a.column == b.column && is_same(a.collation, b.collation.empty() ? own : b.collation);
    };
    for (const std::string& name : names) {
      std::vector<ExpertTerm> index;
      for (auto [column, collation, descending] : model_.query<std::int64_t, std::string, std::int64_t>(
               "SELECT cid, coll, \"desc\" FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno", name)) {
        index.push_back({static_cast<int>(column), collation, descending != 0});
      }
      if (index.size() < leading.size() + following.size()) continue;
      const auto middle = index.begin() + static_cast<std::ptrdiff_t>(leading.size());
      const bool leads = std::all_of(leading.begin(), leading.end(), [&](const ExpertTerm& term) {
        return std::any_of(index.begin(), middle, [&](const ExpertTerm& own) { return same(own, term); });
      });
      const bool follows =
          std::equal(following.begin(), following.end(), middle, [&](const ExpertTerm& term, const ExpertTerm& own) {
            return same(own, term) && own.descending == term.descending;
          });
      if (leads && follows) return true;
    }
    return false;
  }

  // The steps of a plan, those of triggers too if programs have them.
  std::vector<std::string> plan_of(const std::string& statement, bool in_program) {
    std::vector<std::string> steps;
    if (!in_program) {
      const QueryPlan plan = explain_query_plan(model_, statement, Params());
      add_steps(steps, plan.steps);
      return steps;
    }
    for (const ProgramInstruction& instruction : explain(model_, statement)) {
      if (instruction.opcode == "Explain" && instruction.p4) steps.push_back(*instruction.p4);
    }
    return steps;
  }

  static void add_steps(std::vector<std::string>& steps, const std::vector<QueryPlanNode>& nodes) {
    for (const QueryPlanNode& node : nodes) {
      steps.push_back(node.detail);
      add_steps(steps, node.children);
    }
  }

  std::vector<std::string> indexes_in(const std::vector<std::string>& plan) const {
    std::vector<std::string> used;
    for (const std::string& step : plan) {
      for (const Candidate& candidate : candidates_) {
        const std::string name = "INDEX " + candidate.name;
        const std::size_t at = step.find(name);
        if (at == std::string::npos) continue;
        const std::string_view rest = std::string_view(step).substr(at + name.size());
        const std::string create = candidate.sql();
        if ((rest.empty() || rest.starts_with(' ')) && std::find(used.begin(), used.end(), create) == used.end()) {
          used.push_back(create);
        }
      }
    }
    return used;
  }

  Shell& shell_;
  ExpertOptions options_;
  Connection& source_;
  Connection model_;  // where candidates are tried
  std::vector<ExpertObject> tables_;
  std::vector<ExpertObject> indexes_;
  std::vector<ExpertObject> views_;
  std::vector<ExpertObject> triggers_;
  std::deque<ExpertTable> described_;
  std::optional<ExpertProbe> probe_;
  std::vector<std::string> statements_;
  std::vector<Candidate> candidates_;
};

Expert::Expert(Shell& shell, const ExpertOptions& options) : impl_(std::make_unique<Impl>(shell, options)) {}
Expert::~Expert() = default;
void Expert::add(std::string_view statement) { impl_->add(statement); }
void Expert::report() { impl_->report(); }

}  // namespace libsql::cli
