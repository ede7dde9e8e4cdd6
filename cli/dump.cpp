#include "cli/dump.hpp"

#include <deque>
#include <libsql/rows.hpp>
#include <libsql/statement.hpp>
#include <libsql/transaction.hpp>

#include "cli/progress.hpp"
#include "cli/shell.hpp"

namespace libsql::cli {
namespace {

class ShellPort final : public DumpReader {
 public:
  explicit ShellPort(Shell& shell) : DumpReader(shell), progress_("dump", "rows", 0) {}

  void write(std::string_view text) override { shell().print(text); }
  void write_row(std::string_view line) override {
    shell().print(line);
    progress_.update(++rows_);
  }

 private:
  Progress progress_;
  std::uint64_t rows_ = 0;
};

// As the engine does it: half a surrogate pair is taken with the unit that follows, and stays alone at the end.
std::string from_utf16(std::string_view bytes, bool big_endian) {
  const auto unit = [&](std::size_t i) {
    const auto first = static_cast<unsigned char>(bytes[i]);
    const auto second = static_cast<unsigned char>(bytes[i + 1]);
    return static_cast<char32_t>(big_endian ? first << 8U | second : second << 8U | first);
  };
  std::string text;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    char32_t code = unit(i);
    if (code >= 0xD800 && code < 0xE000 && i + 3 < bytes.size()) {
      i += 2;
      code = (unit(i) & 0x3FFU) + ((code & 0x3FU) << 10U) + (((code & 0x3C0U) + 0x40U) << 10U);
    }
    const auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xC0U | code >> 6U);
    } else if (code < 0x10000) {
      put(0xE0U | code >> 12U);
    } else {
      put(0xF0U | (code >> 18U & 7U));
      put(0x80U | (code >> 12U & 0x3FU));
    }
    if (code >= 0x800) put(0x80U | (code >> 6U & 0x3FU));
    if (code >= 0x80) put(0x80U | (code & 0x3FU));
  }
  return text;
}

}  // namespace

void DumpReader::query(const std::string& sql, std::span<const std::string_view> arguments, const OnRow& on_row) {
  std::uint64_t rows = 0;
  try {
    read(sql, arguments, on_row, rows);
  } catch (const Error& error) {
    if (!is_about_encoding(error)) throw;
    read_as_bytes(sql, arguments, on_row, rows);
  }
}

void DumpReader::damaged(std::string_view what, const Error& error) {
  ++damages_;
  shell_.report("Error", std::string(what) + ": " + error.message());
}

void DumpReader::read(const std::string& sql, std::span<const std::string_view> arguments, const OnRow& on_row,
                      std::uint64_t& read_rows) {
  Params params;
  for (const std::string_view argument : arguments) params.add(argument);
  Rows rows = shell_.connection().query(sql, params);
  std::vector<ValueRef> values;
  while (rows.next()) {
    values.clear();
    for (int i = 0; i < rows.column_count(); ++i) values.push_back(rows.row().value(i));
    ++read_rows;
    on_row(values);
  }
}

// The protocol carries only texts that are UTF-8; servers say of others that they are not.
bool DumpReader::is_about_encoding(const Error& error) {
  if (shell_.connection().capabilities().mode != Mode::Remote || error.origin() != ErrorOrigin::Server) return false;
  for (const char* const word : {"UTF-8", "utf-8", "Utf8", "utf8"}) {
    if (error.message().find(word) != std::string::npos) return true;
  }
  return false;
}

// Reads the rows after the first `rows`, their texts as blobs: the bytes that the database holds.
void DumpReader::read_as_bytes(const std::string& sql, std::span<const std::string_view> arguments, const OnRow& on_row,
                               std::uint64_t rows) {
  const int columns = shell_.connection().prepare(sql).column_count();
  std::string names;
  std::string values;
  for (int i = 0; i < columns; ++i) {
    const std::string name = "c" + std::to_string(i);
    names.append(i == 0 ? "" : ",").append(name);
    values.append(i == 0 ? "" : ",").append("CASE typeof(" + name + ") WHEN 'text' THEN CAST(" + name);
    values.append(" AS BLOB) ELSE " + name + " END,typeof(" + name + ")='text'");
  }
  const auto encoding = shell_.connection().query_value<std::string>("PRAGMA encoding");
  const OnRow as_text = [&](std::span<const ValueRef> cells) {
    std::vector<ValueRef> row;
    std::deque<std::string> converted;
    for (std::size_t i = 0; i + 1 < cells.size(); i += 2) {
      if (cells[i + 1].integer() == 0) {
        row.push_back(cells[i]);
      } else {
        const BlobView bytes = cells[i].blob();
        const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        row.emplace_back(encoding == "UTF-8" ? text : converted.emplace_back(from_utf16(text, encoding == "UTF-16be")));
      }
    }
    on_row(row);
  };
  std::uint64_t ignored = 0;
  read("WITH q(" + names + ") AS (" + sql + ") SELECT " + values + " FROM q LIMIT -1 OFFSET " + std::to_string(rows),
       arguments, as_text, ignored);
}

void dump(Shell& shell, const sql::DumpOptions& options) {
  // One snapshot for all that is read. The name is one that no user's savepoint has.
  const Savepoint snapshot = shell.connection().savepoint("libsql shell dump");
  ShellPort port(shell);
  sql::dump(port, options);
}

}  // namespace libsql::cli
