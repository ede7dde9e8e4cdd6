#include "sql/dump.hpp"

#include "sql/literal.hpp"
#include "sql/quote.hpp"
#include "sql/split.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::sql {
namespace {

struct SchemaEntry {
  std::string type;
  std::string name;
  std::string sql;
};

// Whether a failure is one of what was read, so that reading something else may succeed.
bool is_local(const Error& error) noexcept {
  switch (error.code()) {
    case ErrorCode::Corrupt:
    case ErrorCode::Io:
    case ErrorCode::SqlError:
    case ErrorCode::TooBig:
      return error.session_usable();
    default:
      return false;
  }
}

bool has_keyword(std::string_view sql, std::string_view keyword) noexcept {
  Tokenizer tokenizer(sql);
  for (Token token = tokenizer.next(); token.kind != TokenKind::End; token = tokenizer.next()) {
    if (is_keyword(token, keyword)) return true;
  }
  return false;
}

class Dumper {
 public:
  Dumper(DumpPort& port, const DumpOptions& options) : port_(port), options_(options) {}

  void run() {
    if (!options_.data_only) port_.write("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n");
    const std::vector<SchemaEntry> entries = read_schema();
    bool has_sequence = false;
    bool makes_sequence = false;  // else the table is one that loading the dump does not make
    for (const SchemaEntry& entry : entries) {
      if (entry.name == "sqlite_sequence") {
        has_sequence = true;
      } else if (entry.type == "table") {
        makes_sequence = makes_sequence || has_keyword(entry.sql, "AUTOINCREMENT");
        attempt("the table " + entry.name, [&] { dump_table(entry); });
      }
    }
    if (has_sequence && makes_sequence && options_.patterns.empty()) {
      port_.write("DELETE FROM sqlite_sequence;\n");
      attempt("the table sqlite_sequence", [&] { dump_rows("sqlite_sequence"); });
    }
    if (options_.data_only) return;
    for (const SchemaEntry& entry : entries) {
      if (entry.type != "table") write_statement(entry.sql);
    }
    if (writable_schema_) port_.write("PRAGMA writable_schema=OFF;\n");
    port_.write(damaged_ && !options_.keeps_damaged ? "ROLLBACK; -- due to errors\n" : "COMMIT;\n");
  }

 private:
  template <class Read>
  void attempt(const std::string& what, Read&& read) {
    try {
      read();
    } catch (const Error& error) {
      if (!is_local(error)) throw;
      report(what, error);
    }
  }

  void report(const std::string& what, const Error& error) {
    damaged_ = true;
    port_.damaged(what, error);
    // No other comment can end it, as it has no line break.
    std::string comment = "-- ERROR: " + what + ": " + error.message();
    for (char& byte : comment) {
      if (byte == '\n' || byte == '\r') byte = ' ';
    }
    port_.write(comment + "\n");
  }

  void write_statement(const std::string& sql) { port_.write(sql + std::string(ending_of(sql)) + "\n"); }

  std::vector<SchemaEntry> read_schema() {
    struct Found {
      SchemaEntry entry;
      std::string table;
    };
    std::vector<Found> found;
    attempt("the schema", [&] {
      port_.query(
          "SELECT type, name, tbl_name, sql FROM main.sqlite_schema WHERE typeof(sql) = 'text' AND "
          "typeof(type) = 'text' AND typeof(name) = 'text' AND typeof(tbl_name) = 'text' ORDER BY rowid",
          {}, [&](std::span<const ValueRef> row) {
            found.push_back({{std::string(row[0].text()), std::string(row[1].text()), std::string(row[3].text())},
                             std::string(row[2].text())});
          });
    });
    std::vector<SchemaEntry> entries;
    for (Found& each : found) {
      if (matches(each.table)) entries.push_back(std::move(each.entry));
    }
    return entries;
  }

  std::int64_t number(const std::string& sql, std::initializer_list<std::string_view> arguments) {
    std::int64_t number = 0;
    port_.query(sql, {arguments.begin(), arguments.size()},
                [&](std::span<const ValueRef> row) { number = row[0].integer(); });
    return number;
  }

  bool matches(std::string_view table) {
    if (options_.patterns.empty()) return true;
    for (const std::string& pattern : options_.patterns) {
      if (number("SELECT ? LIKE ? ESCAPE '\\'", {table, pattern}) != 0) return true;
    }
    return false;
  }

  void dump_table(const SchemaEntry& entry) {
    const bool is_virtual = equals_ignoring_case(std::string_view(entry.sql).substr(0, 20), "CREATE VIRTUAL TABLE");
    if (is_virtual) {
      if (options_.data_only) return;
      if (!writable_schema_) port_.write("PRAGMA writable_schema=ON;\n");
      writable_schema_ = true;
      // Making it by its CREATE statement would make its shadow tables too, which are dumped as the tables they are.
      port_.write("INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table'," +
                  quote_literal(entry.name) + "," + quote_literal(entry.name) + ",0," + quote_literal(entry.sql) +
                  ");\n");
      return;
    }
    if (entry.name == "sqlite_stat1") {
      if (!options_.data_only) port_.write("ANALYZE sqlite_schema;\n");
    } else if (entry.name.starts_with("sqlite_")) {
      return;  // sqlite_stat4 is there only in some builds of SQLite, and sqlite_stat1 says enough
    } else if (!options_.data_only) {
      write_create(entry.sql);
    }
    dump_rows(entry.name);
  }

  // Shadow tables, whose names are quoted, may be there already.
  void write_create(const std::string& sql) {
    constexpr std::string_view kCreate = "CREATE TABLE ";
    if (sql.starts_with("CREATE TABLE '") || sql.starts_with("CREATE TABLE \"")) {
      write_statement("CREATE TABLE IF NOT EXISTS " + sql.substr(kCreate.size()));
    } else {
      write_statement(sql);
    }
  }

  bool has_rowid(std::string_view table) {
    return number("SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'", {table}) == 0;
  }

  // The name by which the rowid of a table can be reached and given; empty if it has none, or it is a column anyway.
  std::string rowid_name(std::string_view table, const std::vector<std::string>& columns) {
    if (!options_.preserve_rowids) return {};
    if (!has_rowid(table)) return {};
    const std::int64_t integer_keys = number(
        "SELECT count(*) FROM pragma_table_info(?1) WHERE pk > 0 AND type = 'INTEGER' COLLATE nocase AND "
        "(SELECT max(pk) FROM pragma_table_info(?1)) = 1",
        {table});
    if (integer_keys > 0) return {};
    return free_rowid_name(columns);
  }

  static std::string free_rowid_name(const std::vector<std::string>& columns) {
    for (const std::string_view name : {"rowid", "_rowid_", "oid"}) {
      bool taken = false;
      for (const std::string& column : columns) taken = taken || equals_ignoring_case(column, name);
      if (!taken) return std::string(name);
    }
    return {};
  }

  std::vector<std::string> insertable_columns(std::string_view table) {
    std::vector<std::string> columns;
    port_.query(std::string(kInsertableColumns), {&table, 1},
                [&](std::span<const ValueRef> row) { columns.emplace_back(row[0].text()); });
    return columns;
  }

  static void append_item(std::string& list, const std::string& item) {
    if (!list.empty()) list += ',';
    list += item;
  }

  void dump_rows(std::string_view table) {
    const std::vector<std::string> columns = insertable_columns(table);
    const std::string rowid = rowid_name(table, columns);
    std::string list = rowid;
    for (const std::string& column : columns) append_item(list, quote_identifier_if_needed(column));
    std::string prefix = "INSERT INTO " + quote_identifier_if_needed(table);
    if (!rowid.empty()) prefix += "(" + list + ")";
    prefix += " VALUES(";

    std::string selected = rowid;
    for (const std::string& column : columns) append_item(selected, quote_identifier(column));
    // Not from an index, which would give another order, and may be damaged where the table is not.
    const std::string source = " FROM main." + quote_identifier(table) + " NOT INDEXED";
    std::string line;
    std::int64_t rows = 0;
    const DumpPort::OnRow write_row = [&](std::span<const ValueRef> row) {
      line = prefix;
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (i > 0) line += ',';
        append_literal_on_one_line(line, row[i]);
      }
      line += ");\n";
      port_.write_row(line);
      ++rows;
    };
    try {
      port_.query("SELECT " + selected + source, {}, write_row);
    } catch (const Error& error) {
      if (!is_local(error)) throw;
      const std::string what = "the table " + std::string(table);
      report(what + " after " + std::to_string(rows) + (rows == 1 ? " row" : " rows"), error);
      attempt(what + " from its end", [&] {
        if (has_rowid(table)) dump_rows_from_the_end(columns, source, selected, rows, write_row);
      });
    }
  }

  // What lies behind the place that cannot be read: the rows from the last one backwards.
  void dump_rows_from_the_end(const std::vector<std::string>& columns, const std::string& source,
                              const std::string& selected, std::int64_t rows, const DumpPort::OnRow& write_row) {
    const std::string rowid = free_rowid_name(columns);
    if (rowid.empty()) return;
    std::string condition;
    if (rows > 0) {
      const std::int64_t last =
          number("SELECT max(r) FROM (SELECT " + rowid + " AS r" + source + " LIMIT " + std::to_string(rows) + ")", {});
      condition = " WHERE " + rowid + " > " + std::to_string(last);
    }
    port_.query("SELECT " + selected + source + condition + " ORDER BY " + rowid + " DESC", {}, write_row);
  }

  DumpPort& port_;
  const DumpOptions& options_;
  bool writable_schema_ = false;
  bool damaged_ = false;
};

}  // namespace

void dump(DumpPort& port, const DumpOptions& options) { Dumper(port, options).run(); }

}  // namespace libsql::sql
