#include "cli/dump.hpp"

#include <libsql/rows.hpp>
#include <libsql/transaction.hpp>

#include "cli/progress.hpp"
#include "cli/schema.hpp"
#include "cli/shell.hpp"
#include "cli/value_text.hpp"
#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::cli {
namespace {

struct SchemaEntry {
  std::string type;
  std::string name;
  std::string sql;
};

class Dumper {
 public:
  Dumper(Shell& shell, const DumpOptions& options)
      : shell_(shell), connection_(shell.connection()), options_(options), progress_("dump", "rows", 0) {}

  void run() {
    // One snapshot for all that is read. The name is one that no user's savepoint has.
    const Savepoint snapshot = connection_.savepoint("libsql shell dump");
    if (!options_.data_only) shell_.print("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n");
    const std::vector<SchemaEntry> entries = read_schema();
    bool has_sequence = false;
    for (const SchemaEntry& entry : entries) {
      if (entry.name == "sqlite_sequence") {
        has_sequence = true;
      } else if (entry.type == "table") {
        dump_table(entry);
      }
    }
    if (has_sequence && options_.patterns.empty()) {
      shell_.print("DELETE FROM sqlite_sequence;\n");
      dump_rows("sqlite_sequence");
    }
    if (options_.data_only) return;
    for (const SchemaEntry& entry : entries) {
      if (entry.type != "table") shell_.print_line(entry.sql + ";");
    }
    if (writable_schema_) shell_.print("PRAGMA writable_schema=OFF;\n");
    shell_.print("COMMIT;\n");
  }

 private:
  std::vector<SchemaEntry> read_schema() {
    std::vector<SchemaEntry> entries;
    auto rows = connection_.query<std::string, std::string, std::string, std::string>(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY rowid");
    for (const auto& [type, name, table, sql] : rows) {
      if (matches(table)) entries.push_back({type, name, sql});
    }
    return entries;
  }

  bool matches(const std::string& table) {
    if (options_.patterns.empty()) return true;
    for (const std::string& pattern : options_.patterns) {
      if (connection_.query_value<bool>("SELECT ? LIKE ? ESCAPE '\\'", table, pattern)) return true;
    }
    return false;
  }

  void dump_table(const SchemaEntry& entry) {
    const bool is_virtual =
        sql::equals_ignoring_case(std::string_view(entry.sql).substr(0, 20), "CREATE VIRTUAL TABLE");
    if (is_virtual) {
      if (options_.data_only) return;
      if (!writable_schema_) shell_.print("PRAGMA writable_schema=ON;\n");
      writable_schema_ = true;
      // Making it by its CREATE statement would make its shadow tables too, which are dumped as the tables they are.
      shell_.print_line("INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table'," +
                        sql::quote_literal(entry.name) + "," + sql::quote_literal(entry.name) + ",0," +
                        sql::quote_literal(entry.sql) + ");");
      return;
    }
    if (entry.name.starts_with("sqlite_stat")) {
      if (!options_.data_only) shell_.print("ANALYZE sqlite_schema;\n");
    } else if (entry.name.starts_with("sqlite_")) {
      return;
    } else if (!options_.data_only) {
      print_create(entry.sql);
    }
    dump_rows(entry.name);
  }

  // Shadow tables, whose names are quoted, may be there already.
  void print_create(const std::string& sql) {
    constexpr std::string_view kCreate = "CREATE TABLE ";
    if (sql.starts_with("CREATE TABLE '") || sql.starts_with("CREATE TABLE \"")) {
      shell_.print_line("CREATE TABLE IF NOT EXISTS " + sql.substr(kCreate.size()) + ";");
    } else {
      shell_.print_line(sql + ";");
    }
  }

  // The name by which the rowid of a table can be reached and given; empty if it has none, or it is a column anyway.
  std::string rowid_name(const std::string& table, const std::vector<std::string>& columns) {
    if (!options_.preserve_rowids) return {};
    const bool without_rowid =
        connection_.query_value<bool>("SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'", table);
    const auto integer_keys = connection_.query_value<std::int64_t>(
        "SELECT count(*) FROM pragma_table_info(?1) WHERE pk > 0 AND type = 'INTEGER' COLLATE nocase AND "
        "(SELECT max(pk) FROM pragma_table_info(?1)) = 1",
        table);
    if (without_rowid || integer_keys > 0) return {};
    for (const std::string_view name : {"rowid", "_rowid_", "oid"}) {
      bool taken = false;
      for (const std::string& column : columns) taken = taken || sql::equals_ignoring_case(column, name);
      if (!taken) return std::string(name);
    }
    return {};
  }

  void dump_rows(const std::string& table) {
    const std::vector<std::string> columns = insertable_columns(connection_, table);
    const std::string rowid = rowid_name(table, columns);
    std::string list = rowid;
    for (const std::string& column : columns)
      list += (list.empty() ? "" : ",") + sql::quote_identifier_if_needed(column);
    std::string prefix = "INSERT INTO " + sql::quote_identifier_if_needed(table);
    if (!rowid.empty()) prefix += "(" + list + ")";
    prefix += " VALUES(";

    std::string selected = rowid;
    for (const std::string& column : columns) {
      selected += (selected.empty() ? "" : ",") + sql::quote_identifier(column);
    }
    Rows rows = connection_.query("SELECT " + selected + " FROM main." + sql::quote_identifier(table));
    std::string line;
    while (rows.next()) {
      line = prefix;
      for (int i = 0; i < rows.column_count(); ++i) {
        if (i > 0) line += ',';
        append_sql_literal_on_one_line(line, rows.row().value(i));
      }
      line += ");\n";
      shell_.print(line);
      progress_.update(++rows_);
    }
  }

  Shell& shell_;
  Connection& connection_;
  const DumpOptions& options_;
  Progress progress_;
  std::uint64_t rows_ = 0;
  bool writable_schema_ = false;
};

}  // namespace

void dump(Shell& shell, const DumpOptions& options) { Dumper(shell, options).run(); }

}  // namespace libsql::cli
