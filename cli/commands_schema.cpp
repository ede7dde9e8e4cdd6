// Dot commands that show what is in the database.
#include <algorithm>
#include <array>

#include "cli/checksum.hpp"
#include "cli/commands.hpp"
#include "cli/dump.hpp"
#include "cli/errors.hpp"
#include "cli/lint.hpp"
#include "cli/recover.hpp"
#include "cli/schema.hpp"
#include "cli/shell.hpp"
#include "cli/text_width.hpp"
#include "cli/value_text.hpp"
#include "sql/quote.hpp"
#include "sql/split.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::cli {
namespace {

// Names in columns, sorted downwards.
void print_names(Shell& shell, const std::vector<std::string>& names) {
  constexpr std::size_t kLineWidth = 80;
  if (names.empty()) return;
  std::size_t widest = 0;
  for (const std::string& name : names) widest = std::max(widest, static_cast<std::size_t>(text_width(name)));
  const std::size_t columns = std::max<std::size_t>(kLineWidth / (widest + 2), 1);
  const std::size_t rows = (names.size() + columns - 1) / columns;
  for (std::size_t row = 0; row < rows; ++row) {
    std::string line;
    for (std::size_t i = row; i < names.size(); i += rows) {
      if (i != row) line += "  ";
      line += names[i];
      line.append(widest - static_cast<std::size_t>(text_width(names[i])), ' ');
    }
    shell.print_line(line);
  }
}

std::string one_argument_at_most(const Arguments& arguments) {
  if (arguments.size() > 1) throw UsageError("too many arguments");
  return arguments.empty() ? std::string() : arguments[0];
}

void run_tables(Shell& shell, const Arguments& arguments) {
  print_names(shell, object_names(shell.connection(), one_argument_at_most(arguments)));
}

void run_indexes(Shell& shell, const Arguments& arguments) {
  print_names(shell, index_names(shell.connection(), one_argument_at_most(arguments)));
}

void run_databases(Shell& shell, const Arguments& arguments) {
  if (!arguments.empty()) throw UsageError("usage: .databases");
  Connection& connection = shell.connection();
  const bool readonly = connection.is_readonly();
  for (auto [name, file] :
       connection.query<std::string, std::optional<std::string>>("SELECT name, file FROM pragma_database_list")) {
    // The library gives each database in memory a file name of its own.
    const std::string path = file && !file->starts_with(":memory:") ? *file : "";
    std::string line = name + ": " + (path.empty() ? "\"\"" : path);
    if (name == "main") line += readonly ? " r/o" : " r/w";
    shell.print_line(line);
  }
}

// Puts line breaks into a CREATE TABLE: one column or constraint per line.
std::string indented(const std::string& sql) {
  if (!sql::equals_ignoring_case(std::string_view(sql).substr(0, 12), "CREATE TABLE")) return sql;
  if (sql.find('\n') != std::string::npos) return sql;  // Somebody has laid it out.
  std::string out;
  int depth = 0;
  sql::Tokenizer tokenizer(sql);
  bool line_start = false;
  for (sql::Token token = tokenizer.next(); token.kind != sql::TokenKind::End; token = tokenizer.next()) {
    if (token.kind == sql::TokenKind::Comment) return sql;  // A comment to the end of the line would swallow the rest.
    if (line_start && token.kind == sql::TokenKind::Space) continue;
    line_start = false;
    if (token.kind == sql::TokenKind::RightParen && --depth == 0) out += '\n';
    out += token.text;
    if (token.kind == sql::TokenKind::LeftParen && ++depth == 1) {
      out += "\n  ";
      line_start = true;
    } else if (token.kind == sql::TokenKind::Comma && depth == 1) {
      out += "\n  ";
      line_start = true;
    }
  }
  return out;
}

// CREATE TABLE x -> CREATE TABLE schema.x
std::string with_schema(const std::string& sql, const std::string& schema) {
  sql::Tokenizer tokenizer(sql);
  sql::Token token = tokenizer.next_significant();
  while (token.kind == sql::TokenKind::Word) {
    const sql::Token next = tokenizer.next_significant();
    for (const std::string_view type : {"TABLE", "INDEX", "VIEW", "TRIGGER"}) {
      if (!sql::is_keyword(token, type)) continue;
      return sql.substr(0, next.offset) + sql::quote_identifier_if_needed(schema) + "." + sql.substr(next.offset);
    }
    token = next;
  }
  return sql;
}

void run_schema(Shell& shell, const Arguments& arguments) {
  bool indent = false;
  bool system = true;
  std::string pattern;
  for (const std::string& argument : arguments) {
    if (argument == "--indent" || argument == "-indent") {
      indent = true;
    } else if (argument == "--nosys" || argument == "-nosys") {
      system = false;
    } else if (argument.starts_with('-') || !pattern.empty()) {
      throw UsageError("usage: .schema ?--indent? ?--nosys? ?PATTERN?");
    } else {
      pattern = argument;
    }
  }
  Connection& connection = shell.connection();
  const std::size_t dot = pattern.find('.');
  const std::string only_schema = dot == std::string::npos ? std::string() : pattern.substr(0, dot);
  const std::string name_pattern = dot == std::string::npos ? pattern : pattern.substr(dot + 1);
  for (const std::string& schema : database_names(connection)) {
    if (!only_schema.empty() && !sql::equals_ignoring_case(schema, only_schema)) continue;
    if (name_pattern == "sqlite_schema" || name_pattern == "sqlite_master") {
      shell.print("CREATE TABLE " + (schema == "main" ? std::string() : schema + ".") + name_pattern +
                  " (\n  type text,\n  name text,\n  tbl_name text,\n  rootpage integer,\n  sql text\n);\n");
      continue;
    }
    const std::string sql = "SELECT type, name, sql FROM " + sql::quote_identifier(schema) +
                            ".sqlite_schema WHERE sql NOT NULL AND (?1 = '' OR tbl_name LIKE ?1 OR name LIKE ?1) "
                            "AND (?2 OR name NOT LIKE 'sqlite\\_%' ESCAPE '\\') ORDER BY rowid";
    for (const auto& [type, name, create] :
         connection.query<std::string, std::string, std::string>(sql, name_pattern, system)) {
      std::string text = indent ? indented(create) : create;
      if (text.starts_with("CREATE TABLE '") || text.starts_with("CREATE TABLE \"")) {
        text.insert(13, "IF NOT EXISTS ");
      } else if (schema != "main") {
        text = with_schema(text, schema);
      }
      const bool is_virtual = sql::equals_ignoring_case(text.substr(0, 14), "CREATE VIRTUAL");
      if (type == "view" || is_virtual) {
        std::string columns;
        for (auto [column] : connection.query<std::string>("SELECT name FROM pragma_table_info(?, ?)", name, schema)) {
          columns += (columns.empty() ? "" : ",") + sql::quote_identifier_if_needed(column);
        }
        text += "\n/* " + sql::quote_identifier_if_needed(name) + "(" + columns + ") */";
      }
      shell.print_line(text + std::string(sql::ending_of(text)));
    }
  }
}

void run_dump(Shell& shell, const Arguments& arguments) {
  sql::DumpOptions options;
  for (const std::string& argument : arguments) {
    const std::string option = argument.substr(argument.starts_with("--") ? 2 : argument.starts_with('-') ? 1 : 0);
    if (!argument.starts_with('-')) {
      options.patterns.push_back(argument);
    } else if (option == "data-only") {
      options.data_only = true;
    } else if (option == "preserve-rowids") {
      options.preserve_rowids = true;
    } else {
      throw UsageError("unknown option " + argument + "; see .help dump");
    }
  }
  dump(shell, options);
}

void run_expert(Shell& shell, const Arguments& arguments) {
  ExpertOptions options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string option = arguments[i].substr(std::min<std::size_t>(arguments[i].find_first_not_of('-'), 2));
    if (option == "verbose" && arguments[i].starts_with('-')) {
      options.verbose = true;
    } else if (option == "sample" && arguments[i].starts_with('-') && i + 1 < arguments.size()) {
      const long long percent = parse_number(arguments[++i]);
      if (percent < 0 || percent > 100) throw UsageError("--sample needs 0 to 100 percent");
      options.sample = static_cast<int>(percent);
    } else {
      throw UsageError("usage: .expert ?--verbose? ?--sample PERCENT?");
    }
  }
  static_cast<void>(shell.connection());
  shell.ask_expert(options);
}

void run_lint(Shell& shell, const Arguments& arguments) {
  bool verbose = false;
  bool known = false;
  for (const std::string& argument : arguments) {
    if (argument == "fkey-indexes") {
      known = true;
    } else if (argument == "-verbose" || argument == "--verbose") {
      verbose = true;
    } else {
      throw UsageError("usage: .lint fkey-indexes ?--verbose?");
    }
  }
  if (!known) throw UsageError("usage: .lint fkey-indexes ?--verbose?");
  lint_foreign_keys(shell, verbose);
}

void run_sha3sum(Shell& shell, const Arguments& arguments) {
  ChecksumOptions options;
  for (const std::string& argument : arguments) {
    const std::string option = argument.substr(std::min<std::size_t>(argument.find_first_not_of('-'), 2));
    if (!argument.starts_with('-') && options.pattern.empty()) {
      options.pattern = argument;
    } else if (option == "schema") {
      options.schema = true;
    } else if (option == "sha3-224" || option == "sha3-256" || option == "sha3-384" || option == "sha3-512") {
      options.bits = static_cast<unsigned>(parse_number(option.substr(5)));
    } else {
      throw UsageError("usage: .sha3sum ?OPTIONS? ?PATTERN?; see .help sha3sum");
    }
  }
  print_checksum(shell, options);
}

void run_recover(Shell& shell, const Arguments& arguments) {
  RecoverOptions options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string option = arguments[i].substr(std::min<std::size_t>(arguments[i].find_first_not_of('-'), 2));
    if (option == "ignore-freelist") {
      options.ignore_freelist = true;
    } else if (option == "no-rowids") {
      options.rowids = false;
    } else if (option == "lost-and-found" && i + 1 < arguments.size()) {
      options.lost_and_found = arguments[++i];
    } else {
      throw UsageError("unknown option " + arguments[i] + "; see .help recover");
    }
  }
  recover(shell, options);
}

void run_dbinfo(Shell& shell, const Arguments& arguments) {
  const std::string schema = arguments.empty() ? "main" : one_argument_at_most(arguments);
  constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kFacts = {{
      {"page size", "page_size"},
      {"page count", "page_count"},
      {"free pages", "freelist_count"},
      {"encoding", "encoding"},
      {"journal mode", "journal_mode"},
      {"auto vacuum", "auto_vacuum"},
      {"schema version", "schema_version"},
      {"user version", "user_version"},
      {"application id", "application_id"},
      {"data version", "data_version"},
      {"foreign keys", "foreign_keys"},
  }};
  Connection& connection = shell.connection();
  for (const auto& [label, pragma] : kFacts) {
    Rows rows = connection.query("PRAGMA " + sql::quote_identifier(schema) + "." + std::string(pragma));
    if (!rows.next()) continue;
    std::string line = std::string(label) + ":";
    line.append(20 - line.size(), ' ');
    append_plain(line, rows.row().value(0), {});
    shell.print_line(line);
  }
  for (const std::string_view type : {"table", "index", "trigger", "view"}) {
    std::string line = "number of " + std::string(type) + (type == "index" ? "es:" : "s:");
    line.append(20 - std::min<std::size_t>(line.size(), 19), ' ');
    line += std::to_string(connection.query_value<std::int64_t>(
        "SELECT count(*) FROM " + sql::quote_identifier(schema) + ".sqlite_schema WHERE type = ?", type));
    shell.print_line(line);
  }
}

constexpr std::array<Command, 10> kCommands = {{
    {"databases", "", "List the attached databases and their files", "", run_databases},
    {"dbinfo", "?DATABASE?", "Print facts about a database file", "", run_dbinfo},
    {"dump", "?PATTERN ...?", "Print the database as SQL",
     "  PATTERN            only tables with names LIKE it\n"
     "  --data-only        no CREATE statements\n"
     "  --preserve-rowids  keep rowids that are in no column\n",
     run_dump},
    {"expert", "", "Suggest indexes for the statements of the next line",
     "  They are not run. Indexes are tried in memory, on a copy of the main database's schema.\n"
     "  --verbose         also print all indexes that were tried\n"
     "  --sample PERCENT  copy this share of the rows and ANALYZE them; without it, existing\n"
     "                    results of ANALYZE are used\n",
     run_expert},
    {"indexes", "?PATTERN?", "List the indexes, or those of tables LIKE PATTERN", "", run_indexes},
    {"lint", "fkey-indexes", "Print the indexes that foreign keys lack", "  --verbose  also print existing indexes\n",
     run_lint},
    {"recover", "", "Print what is left of a damaged database as SQL",
     "  Reads the file page by page; rows of an unknown table go to lost_and_found.\n"
     "  --ignore-freelist      leave out the content of free pages\n"
     "  --lost-and-found NAME  another name for that table\n"
     "  --no-rowids            do not keep rowids that are in no column\n",
     run_recover},
    {"schema", "?PATTERN?", "Print the CREATE statements of objects LIKE PATTERN",
     "  --indent  one column per line\n"
     "  --nosys   leave out SQLite's internal objects\n",
     run_schema},
    {"sha3sum", "?PATTERN?", "Print a checksum of the tables' content",
     "  PATTERN     a checksum for each table LIKE it\n"
     "  --schema    include the schema\n"
     "  --sha3-256  and -384, -512: more bits than 224\n",
     run_sha3sum},
    {"tables", "?PATTERN?", "List the tables and views LIKE PATTERN", "", run_tables},
}};

}  // namespace

std::span<const Command> schema_commands() { return kCommands; }

}  // namespace libsql::cli
