#include "sql/dump.hpp"

#include "sql/literal.hpp"
#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::sql {
namespace {

struct SchemaEntry {
  std::string type;
  std::string name;
  std::string sql;
};

class Dumper {
 public:
  Dumper(DumpPort& port, const DumpOptions& options) : port_(port), options_(options) {}

  void run() {
    if (!options_.data_only) port_.write("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n");
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
      port_.write("DELETE FROM sqlite_sequence;\n");
      dump_rows("sqlite_sequence");
    }
    if (options_.data_only) return;
    for (const SchemaEntry& entry : entries) {
      if (entry.type != "table") port_.write(entry.sql + ";\n");
    }
    if (writable_schema_) port_.write("PRAGMA writable_schema=OFF;\n");
    port_.write("COMMIT;\n");
  }

 private:
  std::vector<SchemaEntry> read_schema() {
    struct Found {
      SchemaEntry entry;
      std::string table;
    };
    std::vector<Found> found;
    port_.query("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY rowid", {},
                [&](std::span<const ValueRef> row) {
                  found.push_back({{std::string(row[0].text()), std::string(row[1].text()), std::string(row[3].text())},
                                   std::string(row[2].text())});
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
    if (entry.name.starts_with("sqlite_stat")) {
      if (!options_.data_only) port_.write("ANALYZE sqlite_schema;\n");
    } else if (entry.name.starts_with("sqlite_")) {
      return;
    } else if (!options_.data_only) {
      write_create(entry.sql);
    }
    dump_rows(entry.name);
  }

  // Shadow tables, whose names are quoted, may be there already.
  void write_create(const std::string& sql) {
    constexpr std::string_view kCreate = "CREATE TABLE ";
    if (sql.starts_with("CREATE TABLE '") || sql.starts_with("CREATE TABLE \"")) {
      port_.write("CREATE TABLE IF NOT EXISTS " + sql.substr(kCreate.size()) + ";\n");
    } else {
      port_.write(sql + ";\n");
    }
  }

  // The name by which the rowid of a table can be reached and given; empty if it has none, or it is a column anyway.
  std::string rowid_name(std::string_view table, const std::vector<std::string>& columns) {
    if (!options_.preserve_rowids) return {};
    if (number("SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'", {table}) != 0) return {};
    const std::int64_t integer_keys = number(
        "SELECT count(*) FROM pragma_table_info(?1) WHERE pk > 0 AND type = 'INTEGER' COLLATE nocase AND "
        "(SELECT max(pk) FROM pragma_table_info(?1)) = 1",
        {table});
    if (integer_keys > 0) return {};
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
    std::string line;
    port_.query("SELECT " + selected + " FROM main." + quote_identifier(table), {}, [&](std::span<const ValueRef> row) {
      line = prefix;
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (i > 0) line += ',';
        append_literal_on_one_line(line, row[i]);
      }
      line += ");\n";
      port_.write_row(line);
    });
  }

  DumpPort& port_;
  const DumpOptions& options_;
  bool writable_schema_ = false;
};

}  // namespace

void dump(DumpPort& port, const DumpOptions& options) { Dumper(port, options).run(); }

}  // namespace libsql::sql
