#include "cli/import.hpp"

#include <algorithm>
#include <libsql/error.hpp>
#include <libsql/statement.hpp>
#include <libsql/transaction.hpp>

#include "cli/errors.hpp"
#include "cli/line_source.hpp"
#include "cli/progress.hpp"
#include "cli/schema.hpp"
#include "cli/shell.hpp"
#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::cli {
namespace {

// Names that differ, as columns must: empty ones are numbered, repeated ones get a number behind.
std::vector<std::string> distinct_names(const std::vector<std::string>& names) {
  std::vector<std::string> distinct;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string wanted = names[i].empty() ? "column" + std::to_string(i + 1) : names[i];
    std::string name = wanted;
    const auto is_taken = [&] {
      return std::any_of(distinct.begin(), distinct.end(),
                         [&](const std::string& other) { return sql::equals_ignoring_case(other, name); });
    };
    for (int n = 2; is_taken(); ++n) name = wanted + "_" + std::to_string(n);
    distinct.push_back(name);
  }
  return distinct;
}

void create_table(Connection& connection, const std::string& table, const std::vector<std::string>& header) {
  std::string sql = "CREATE TABLE " + table + "(";
  const char* separator = "\n";
  for (const std::string& name : distinct_names(header)) {
    sql += separator + sql::quote_identifier(name) + " TEXT";
    separator = ",\n";
  }
  connection.execute(sql + ")");
}

}  // namespace

void import(Shell& shell, const ImportOptions& options) {
  Connection& connection = shell.connection();
  InputFile file(options.file);
  const auto warn = [&](std::uint64_t line, std::string_view message) {
    shell.warn(options.file + ":" + std::to_string(line) + ": " + std::string(message) + "\n");
  };
  DelimitedReader reader(file.stream(), options.format, warn);
  std::vector<std::string> fields;
  for (std::uint64_t i = 0; i < options.skip && reader.next(fields); ++i) {
  }

  Transaction transaction = connection.transaction(TransactionBehavior::Immediate);
  const std::string table = (options.schema ? sql::quote_identifier(*options.schema) + "." : std::string()) +
                            sql::quote_identifier(options.table);
  if (!table_exists(connection, options.table, options.schema)) {
    if (!reader.next(fields)) throw CommandError(options.file + " is empty, so it names no columns for a new table");
    create_table(connection, table, fields);
  }
  const std::size_t columns = insertable_columns(connection, options.table, options.schema).size();
  std::string sql = "INSERT INTO " + table + " VALUES(?";
  for (std::size_t i = 1; i < columns; ++i) sql += ",?";
  Statement insert = connection.prepare(sql + ")");

  Progress progress("import", "bytes", file.size());
  std::uint64_t added = 0;
  std::uint64_t refused = 0;
  while (reader.next(fields)) {
    if (fields.size() < columns) {
      warn(reader.line(), "expected " + std::to_string(columns) + " columns but found " +
                              std::to_string(fields.size()) + "; the rest is NULL");
    } else if (fields.size() > columns) {
      warn(reader.line(), "expected " + std::to_string(columns) + " columns but found " +
                              std::to_string(fields.size()) + "; the rest is ignored");
    }
    Params params;
    for (std::size_t i = 0; i < columns; ++i) {
      if (i < fields.size()) {
        params.add(fields[i]);
      } else {
        params.add(null);
      }
    }
    try {
      insert.execute(params);
      ++added;
    } catch (const Interrupted&) {
      throw;
    } catch (const TransactionLost&) {
      throw;
    } catch (const Error& error) {
      if (connection.is_autocommit()) throw;  // The engine gave the transaction up: the disk is full, for one.
      ++refused;
      warn(reader.line(), "not inserted: " + error.message());
    }
    if (shell.interrupts().interrupted()) throw CommandError("interrupted; nothing was imported");
    progress.update(reader.bytes_read());
  }
  file.close();
  transaction.commit();
  if (options.verbose) {
    shell.print_line("Added " + std::to_string(added) + " rows with " + std::to_string(refused) + " errors");
  }
  if (refused > 0) throw CommandError(std::to_string(refused) + " records of " + options.file + " were not imported");
}

}  // namespace libsql::cli
