#include "cli/recover.hpp"

#include <algorithm>
#include <libsql/builder.hpp>
#include <libsql/error.hpp>
#include <map>
#include <vector>

#include "cli/errors.hpp"
#include "cli/progress.hpp"
#include "cli/recover_format.hpp"
#include "cli/recover_pages.hpp"
#include "cli/shell.hpp"
#include "sql/literal.hpp"
#include "sql/quote.hpp"
#include "sql/split.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::cli {
namespace {

constexpr std::size_t kDeepest = 50;  // A b-tree of 2^32 pages has fewer levels.

struct SchemaRow {
  std::string type;
  std::string name;
  std::uint32_t root = 0;
  std::string sql;
};

// How the fields of a record lie in a table.
struct Layout {
  std::vector<std::string> columns;  // of the fields, in their order; empty: not to be given
  int rowid_column = -1;             // the field that is NULL because the rowid is it
  std::string rowid_name;            // under which the rowid can be given
};

class Recovery {
 public:
  Recovery(Shell& shell, PageSource& pages, const RecoverOptions& options)
      : shell_(shell),
        pages_(pages),
        options_(options),
        scratch_(Builder::local(":memory:")
                     .double_quoted_strings(DoubleQuotedStrings::On)
                     .pragma("foreign_keys", false)
                     .build()
                     .connect()),
        seen_(std::size_t{pages.count()} + 1),
        progress_("recover", "pages", pages.count()) {
    const std::string first = pages.read(1);
    // A header that is lost says nothing.
    const bool has_header = first.starts_with("SQLite format 3") && first.size() > 100;
    const std::uint32_t reserved = has_header ? static_cast<unsigned char>(first[20]) : 0;
    usable_ = pages.page_size() - (reserved <= pages.page_size() - 480 ? reserved : 0);
    const std::uint32_t encoding = has_header ? read_u32(first, 56) : 1;
    if (encoding == 2 || encoding == 3) encoding_ = static_cast<TextEncoding>(encoding);
    if (has_header) header_ = first.substr(0, 100);
  }

  void run() {
    write("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n");
    if (header_.size() == 100) {
      write("PRAGMA user_version=" + std::to_string(static_cast<std::int32_t>(read_u32(header_, 60))) + ";\n");
      write("PRAGMA application_id=" + std::to_string(static_cast<std::int32_t>(read_u32(header_, 68))) + ";\n");
    }
    read_schema();
    if (options_.ignore_freelist) pass_freelist();
    // The engine's own tables last: they come about with the others.
    for (const bool own : {false, true}) {
      for (const SchemaRow& row : schema_) {
        if (row.type == "table" && row.name.starts_with("sqlite_") == own) recover_table(row);
      }
    }
    for (const SchemaRow& row : schema_) {  // What an index holds, its table holds.
      if (row.type == "index" && row.root != 0) walk(row.root, true, nullptr);
    }
    recover_lost();
    for (const SchemaRow& row : schema_) {
      if (row.type != "table" && !row.sql.empty()) write_statement(row.sql);
    }
    if (writable_schema_) write("PRAGMA writable_schema=OFF;\n");
    write("COMMIT;\n");
    tell();
  }

 private:
  using OnRow = std::function<void(std::uint32_t page, std::int64_t rowid, std::vector<Value>& values)>;

  void write(std::string_view text) { shell_.print(text); }
  void write_statement(const std::string& sql) {
    write(sql);
    write(sql::ending_of(sql));
    write("\n");
  }

  // Whether the page was not looked at before; then it is now.
  bool take(std::uint32_t number) {
    if (number == 0 || number >= seen_.size() || seen_[number]) return false;
    seen_[number] = true;
    progress_.update(++taken_);
    if (shell_.interrupts().interrupted()) throw CommandError("interrupted");
    return true;
  }

  std::string payload_of(const Cell& cell) {
    std::string payload(cell.local);
    std::uint32_t next = cell.overflow;
    while (payload.size() < cell.payload && take(next)) {
      const std::string page = pages_.read(next);
      if (page.size() < usable_) break;
      const std::uint64_t left = cell.payload - payload.size();
      payload += std::string_view(page).substr(4, static_cast<std::size_t>(std::min<std::uint64_t>(left, usable_ - 4)));
      next = read_u32(page, 0);
    }
    return payload;
  }

  void rows_of(const std::string& page, std::uint32_t number, const OnRow& on_row) {
    for (const Cell& cell : cells_of(page, number, usable_)) {
      // None is larger than all pages together.
      if (cell.local.empty() || cell.payload / pages_.page_size() > pages_.count()) continue;
      const std::string payload = payload_of(cell);
      if (auto values = decode_record(payload, cell.payload, encoding_)) on_row(number, cell.rowid, *values);
    }
  }

  // Looks at the tree below a page. Without `on_row` it is only passed over.
  void walk(std::uint32_t root, bool index, const OnRow& on_row) {
    struct Step {
      std::uint32_t page;
      std::size_t depth;
    };
    std::vector<Step> open = {{root, 0}};
    while (!open.empty()) {
      const Step step = open.back();
      open.pop_back();
      if (step.depth > kDeepest || !take(step.page)) continue;
      const std::string page = pages_.read(step.page);
      const PageKind kind = kind_of(page, step.page);
      if (kind == PageKind::Other || is_index(kind) != index) {
        ++unreadable_;
        if (kind != PageKind::Other) seen_[step.page] = false;  // It belongs to something else.
        continue;
      }
      const std::vector<Cell> cells = cells_of(page, step.page, usable_);
      if (on_row == nullptr) {
        for (const Cell& cell : cells) {
          if (cell.overflow != 0) static_cast<void>(payload_of(cell));
        }
      } else if (kind != PageKind::TableInterior) {
        rows_of(page, step.page, on_row);
      }
      if (!is_interior(kind)) continue;
      open.push_back({right_child_of(page, step.page), step.depth + 1});
      for (auto cell = cells.rbegin(); cell != cells.rend(); ++cell) open.push_back({cell->child, step.depth + 1});
    }
  }

  static bool is_schema_row(const std::vector<Value>& values) {
    if (values.size() != 5 || values[0].type() != ValueType::Text || values[1].type() != ValueType::Text ||
        values[2].type() != ValueType::Text || values[3].type() != ValueType::Integer) {
      return false;
    }
    const std::string& type = values[0].text();
    return type == "table" || type == "index" || type == "view" || type == "trigger";
  }

  void read_schema() {
    walk(1, false, [&](std::uint32_t, std::int64_t, std::vector<Value>& values) {
      if (!is_schema_row(values)) return;
      SchemaRow& row = schema_.emplace_back();
      row.type = values[0].text();
      row.name = values[1].text();
      if (const std::int64_t root = values[3].integer(); root > 0 && root < static_cast<std::int64_t>(seen_.size())) {
        row.root = static_cast<std::uint32_t>(root);
      }
      if (values[4].type() == ValueType::Text) row.sql = values[4].text();
    });
  }

  void pass_freelist() {
    std::uint32_t trunk = read_u32(header_, 32);
    while (take(trunk)) {
      const std::string page = pages_.read(trunk);
      const std::size_t leaves = std::min<std::size_t>(read_u32(page, 4), page.size() / 4);
      for (std::size_t i = 0; i < leaves; ++i) static_cast<void>(take(read_u32(page, 8 + 4 * i)));
      trunk = read_u32(page, 0);
    }
  }

  // The scratch database has a table of that shape; what is the order of its fields in a record?
  Layout layout_of(const std::string& table) {
    struct Column {
      std::string name;
      std::string type;
      std::int64_t key = 0;
      std::int64_t hidden = 0;
    };
    std::vector<Column> columns;
    for (auto [name, type, key, hidden] : scratch_.query<std::string, std::string, std::int64_t, std::int64_t>(
             "SELECT name, type, pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid", table)) {
      if (hidden != 2) columns.push_back({name, type, key, hidden});  // a virtual column is not stored
    }
    const bool without_rowid =
        scratch_.query_value<std::int64_t>("SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'", table) != 0;
    Layout layout;
    if (without_rowid) {
      std::stable_sort(columns.begin(), columns.end(), [](const Column& a, const Column& b) {
        return (a.key == 0 ? INT64_MAX : a.key) < (b.key == 0 ? INT64_MAX : b.key);
      });
    } else {
      const auto keys = std::count_if(columns.begin(), columns.end(), [](const Column& c) { return c.key > 0; });
      const bool has_index = scratch_.query_value<std::int64_t>(
                                 "SELECT count(*) FROM pragma_index_list(?) WHERE origin = 'pk'", table) != 0;
      for (std::size_t i = 0; i < columns.size(); ++i) {
        if (keys == 1 && !has_index && columns[i].key > 0) layout.rowid_column = static_cast<int>(i);
      }
      for (const std::string_view name : {"rowid", "_rowid_", "oid"}) {
        const bool taken = std::any_of(columns.begin(), columns.end(), [&](const Column& column) {
          return sql::equals_ignoring_case(column.name, name);
        });
        if (layout.rowid_column < 0 && layout.rowid_name.empty() && !taken && options_.rowids) layout.rowid_name = name;
      }
    }
    for (const Column& column : columns) layout.columns.push_back(column.hidden == 0 ? column.name : std::string());
    return layout;
  }

  void write_row(const std::string& table, const Layout& layout, std::int64_t rowid, const std::vector<Value>& values) {
    std::string names;
    std::string literals;
    const auto add = [&](const std::string& name, ValueRef value) {
      names += (names.empty() ? "" : ",") + sql::quote_identifier_if_needed(name);
      if (!literals.empty()) literals += ',';
      sql::append_literal_on_one_line(literals, value);
    };
    if (!layout.rowid_name.empty()) add(layout.rowid_name, ValueRef(rowid));
    for (std::size_t i = 0; i < values.size() && i < layout.columns.size(); ++i) {
      if (layout.columns[i].empty()) continue;
      const bool is_rowid = static_cast<int>(i) == layout.rowid_column && values[i].is_null();
      add(layout.columns[i], is_rowid ? ValueRef(rowid) : values[i].ref());
    }
    if (names.empty()) return;
    write("INSERT OR IGNORE INTO " + sql::quote_identifier_if_needed(table) + "(" + names + ") VALUES(" + literals +
          ");\n");
    ++rows_;
  }

  void recover_table(const SchemaRow& row) {
    if (row.sql.empty()) return;
    const bool is_virtual = sql::equals_ignoring_case(std::string_view(row.sql).substr(0, 20), "CREATE VIRTUAL TABLE");
    if (is_virtual) {
      if (!writable_schema_) write("PRAGMA writable_schema=ON;\n");
      writable_schema_ = true;
      write("INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table'," + sql::quote_literal(row.name) +
            "," + sql::quote_literal(row.name) + ",0," + sql::quote_literal(row.sql) + ");\n");
      return;
    }
    Layout layout;
    if (row.name == "sqlite_sequence") {
      layout.columns = {"name", "seq"};
      if (!has_sequence_) return walk(row.root, false, nullptr);
      write("DELETE FROM sqlite_sequence;\n");
    } else if (row.name == "sqlite_stat1") {
      layout.columns = {"tbl", "idx", "stat"};
      write("ANALYZE sqlite_schema;\n");
    } else if (row.name.starts_with("sqlite_")) {
      return walk(row.root, false, nullptr);
    } else {
      try {
        scratch_.execute(row.sql);
        layout = layout_of(row.name);
      } catch (const Interrupted&) {
        throw;
      } catch (const Error& error) {  // Then its rows are those of no table.
        shell_.warn("The table " + row.name + " cannot be recreated: " + error.message() + "\n");
        return;
      }
      write_statement(row.sql);
      for (sql::Tokenizer tokens(row.sql); !has_sequence_;) {
        const sql::Token token = tokens.next();
        if (token.kind == sql::TokenKind::End) break;
        has_sequence_ = sql::is_keyword(token, "AUTOINCREMENT");
      }
    }
    if (row.root == 0) return;
    const bool index = kind_of(pages_.read(row.root), row.root) == PageKind::IndexInterior ||
                       kind_of(pages_.read(row.root), row.root) == PageKind::IndexLeaf;
    walk(row.root, index, [&](std::uint32_t, std::int64_t rowid, std::vector<Value>& values) {
      write_row(row.name, layout, rowid, values);
    });
  }

  // Pages that nothing known leads to: each tree of them by its topmost page.
  void recover_lost() {
    std::map<std::uint32_t, std::uint32_t> parents;  // of lost pages
    std::vector<std::uint32_t> lost;
    for (std::uint32_t number = 1; number < seen_.size(); ++number) {
      if (seen_[number]) continue;
      const std::string page = pages_.read(number);
      const PageKind kind = kind_of(page, number);
      if (kind == PageKind::Other) continue;
      lost.push_back(number);
      if (!is_interior(kind)) continue;
      const auto add = [&](std::uint32_t child) {
        if (child != number) parents.emplace(child, number);
      };
      for (const Cell& cell : cells_of(page, number, usable_)) add(cell.child);
      add(right_child_of(page, number));
    }
    const auto top_of = [&](std::uint32_t number) {
      for (std::size_t i = 0; i < kDeepest; ++i) {
        const auto parent = parents.find(number);
        if (parent == parents.end()) break;
        number = parent->second;
      }
      return number;
    };
    std::vector<std::string> lines;
    std::size_t fields = 0;
    // The number of fields is known last, and the table comes first; so the pages are read twice.
    for (const bool counting : {true, false}) {
      const std::vector<bool> seen = seen_;
      if (!counting && fields == 0) return;
      const std::string table = counting ? std::string() : make_lost_table(fields);
      for (const std::uint32_t number : lost) {
        if (!take(number)) continue;
        const std::string page = pages_.read(number);
        const PageKind kind = kind_of(page, number);
        if (kind == PageKind::TableInterior) continue;
        rows_of(page, number, [&](std::uint32_t, std::int64_t rowid, std::vector<Value>& values) {
          if (counting) {
            fields = std::max(fields, values.size());
          } else {
            write_lost_row(table, top_of(number), number, is_index(kind) ? nullptr : &rowid, values);
          }
        });
      }
      if (counting) seen_ = seen;
    }
  }

  std::string make_lost_table(std::size_t fields) {
    const auto is_taken = [&](const std::string& name) {
      return std::any_of(schema_.begin(), schema_.end(),
                         [&](const SchemaRow& row) { return sql::equals_ignoring_case(row.name, name); });
    };
    std::string name = options_.lost_and_found;
    for (int n = 0; is_taken(name); ++n) name = options_.lost_and_found + "_" + std::to_string(n);
    const std::string table = sql::quote_identifier_if_needed(name);
    std::string columns = "rootpgno INTEGER,pgno INTEGER,nfield INTEGER,id INTEGER";
    for (std::size_t i = 0; i < std::min<std::size_t>(fields, kMostLostFields); ++i) {
      columns += ",c" + std::to_string(i);
    }
    write("CREATE TABLE " + table + "(" + columns + ");\n");
    return table;
  }

  void write_lost_row(const std::string& table, std::uint32_t root, std::uint32_t page, const std::int64_t* rowid,
                      const std::vector<Value>& values) {
    const std::size_t fields = std::min<std::size_t>(values.size(), kMostLostFields);
    std::string names = "rootpgno,pgno,nfield,id";
    std::string literals = std::to_string(root) + "," + std::to_string(page) + "," + std::to_string(values.size()) +
                           "," + (rowid == nullptr ? "NULL" : std::to_string(*rowid));
    for (std::size_t i = 0; i < fields; ++i) {
      names += ",c" + std::to_string(i);
      literals += ',';
      sql::append_literal_on_one_line(literals, values[i].ref());
    }
    write("INSERT INTO " + table + "(" + names + ") VALUES(" + literals + ");\n");
    ++lost_rows_;
  }

  void tell() {
    if (unreadable_ == 0 && lost_rows_ == 0) return;
    shell_.warn("Recovered " + std::to_string(rows_) + " rows of known tables and " + std::to_string(lost_rows_) +
                " of unknown ones; " + std::to_string(unreadable_) +
                " pages that belong to tables or indexes are lost\n");
  }

  static constexpr std::size_t kMostLostFields = 1900;  // An SQLite has 2000 columns.

  Shell& shell_;
  PageSource& pages_;
  const RecoverOptions& options_;
  Connection scratch_;
  std::vector<bool> seen_;
  Progress progress_;
  std::uint32_t usable_ = 0;
  TextEncoding encoding_ = TextEncoding::Utf8;
  std::string header_;
  std::vector<SchemaRow> schema_;
  bool has_sequence_ = false;
  bool writable_schema_ = false;
  std::uint64_t taken_ = 0;
  std::uint64_t rows_ = 0;
  std::uint64_t lost_rows_ = 0;
  std::uint64_t unreadable_ = 0;
};

}  // namespace

void recover(Shell& shell, const RecoverOptions& options) {
  if (is_url(shell.database().path)) throw CommandError(".recover reads a file; the database is on a server");
  if (!shell.has_connection()) {
    const std::unique_ptr<PageSource> pages = pages_of_file(shell.database().path);
    return Recovery(shell, *pages, options).run();
  }
  // One state for all that is read.
  const Savepoint snapshot = shell.connection().savepoint("libsql shell recover");
  const std::unique_ptr<PageSource> pages = pages_of(shell.connection());
  Recovery(shell, *pages, options).run();
}

}  // namespace libsql::cli
