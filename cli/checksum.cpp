#include "cli/checksum.hpp"

#include <bit>
#include <libsql/rows.hpp>
#include <libsql/transaction.hpp>
#include <vector>

#include "cli/errors.hpp"
#include "cli/sha3.hpp"
#include "cli/shell.hpp"
#include "sql/quote.hpp"

namespace libsql::cli {
namespace {

void add_bits(Sha3& hash, char type, std::uint64_t bits) {
  std::string bytes(1, type);
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(bits >> static_cast<unsigned>(shift) & 0xFFU);
  hash.update(bytes);
}

void add_bytes(Sha3& hash, char type, std::string_view bytes) {
  hash.update(type + std::to_string(bytes.size()) + ":");
  hash.update(bytes);
}

// A query and its result, in the form that sqlite3's sha3_query() gives them to the hash.
void add_query(Shell& shell, Sha3& hash, const std::string& sql) {
  add_bytes(hash, 'S', sql);
  Rows rows = shell.connection().query(sql);
  while (rows.next()) {
    hash.update("R");
    for (int i = 0; i < rows.column_count(); ++i) {
      const ValueRef value = rows.row().value(i);
      switch (value.type()) {
        case ValueType::Null:
          hash.update("N");
          break;
        case ValueType::Integer:
          add_bits(hash, 'I', static_cast<std::uint64_t>(value.integer()));
          break;
        case ValueType::Real:
          add_bits(hash, 'F', std::bit_cast<std::uint64_t>(value.real()));
          break;
        case ValueType::Text:
          add_bytes(hash, 'T', value.text());
          break;
        case ValueType::Blob: {
          const BlobView blob = value.blob();
          add_bytes(hash, 'B', {reinterpret_cast<const char*>(blob.data()), blob.size()});
          break;
        }
      }
    }
  }
}

std::string query_of(const std::string& table) {
  if (!table.starts_with("sqlite_")) return "SELECT * FROM " + sql::quote_identifier(table) + " NOT INDEXED;";
  if (table == "sqlite_schema") return "SELECT type,name,tbl_name,sql FROM sqlite_schema ORDER BY name;";
  if (table == "sqlite_sequence") return "SELECT name,seq FROM sqlite_sequence ORDER BY name;";
  if (table == "sqlite_stat1") return "SELECT tbl,idx,stat FROM sqlite_stat1 ORDER BY tbl,idx;";
  return {};
}

}  // namespace

void print_checksum(Shell& shell, const ChecksumOptions& options) {
  const Savepoint snapshot = shell.connection().savepoint("libsql shell checksum");
  std::string sql = "SELECT lower(name) FROM sqlite_schema WHERE type='table' AND coalesce(rootpage,0)>1 ";
  sql += options.schema ? "UNION ALL SELECT 'sqlite_schema' " : "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ";
  std::vector<std::string> tables;
  for (auto [name] : shell.connection().query<std::string>(sql + "ORDER BY 1 COLLATE nocase")) tables.push_back(name);
  Sha3 all(options.bits);
  for (const std::string& table : tables) {
    const std::string query = query_of(table);
    if (!options.pattern.empty()) {
      if (shell.connection().query_value<std::int64_t>("SELECT ? LIKE ?", table, options.pattern) == 0) continue;
      Sha3 one(options.bits);
      if (!query.empty()) add_query(shell, one, query);
      shell.print_line(one.finish() + "|" + table);
    } else if (!query.empty()) {
      add_query(shell, all, query);
    }
  }
  if (options.pattern.empty()) shell.print_line(all.finish());
}

}  // namespace libsql::cli
