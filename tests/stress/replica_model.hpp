// What the primary of the replica campaign holds. Everything is a function of how far each writer has come, so any
// state of any copy can be checked row by row by itself, and against what was acknowledged.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/libsql.hpp>

namespace libsql::test::model {

constexpr int kWriters = 3;  // two replicas, and the campaign itself at the primary
constexpr int kDirect = 2;

/// A trigger keeps `tally`, `total` and the window of 30 rows in step with each row that is written: a copy in which
/// they differ is a transaction in halves. Runs also where everything is there already.
constexpr const char* kSchema =
    "BEGIN;"
    "CREATE TABLE IF NOT EXISTS tally(who INTEGER PRIMARY KEY, n INT);"
    "CREATE TABLE IF NOT EXISTS total(one INTEGER PRIMARY KEY, n INT);"
    "CREATE TABLE IF NOT EXISTS w(who INT, n INT, pad TEXT, PRIMARY KEY(who, n));"
    "INSERT OR IGNORE INTO tally VALUES (0, 0), (1, 0), (2, 0);"
    "INSERT OR IGNORE INTO total VALUES (1, 0);"
    "CREATE TRIGGER IF NOT EXISTS put AFTER INSERT ON w BEGIN"
    "  UPDATE tally SET n = new.n WHERE who = new.who AND n = new.n - 1;"
    "  UPDATE total SET n = n + 1;"
    "  DELETE FROM w WHERE who = new.who AND n <= new.n - 30;"
    "END;"
    "COMMIT";

/// The contents of row `n` of `who`: some bytes, now and then a few pages, seldom many.
#define LIBSQL_MODEL_PAD(who, n)                                                                       \
  "replace(printf('%.*c', CASE WHEN (" n " * 7 + " who ") % 127 = 0 THEN 30000 WHEN (" n " * 7 + " who \
  ") % 13 = 0 THEN 700 ELSE 1 + " n " % 17 END, 'x'), 'x', 'pad' || " who " || '/' || " n ")"
constexpr const char* kPut = "INSERT INTO w VALUES (?1, ?2, " LIBSQL_MODEL_PAD("?1", "?2") ")";

/// One row: how far each writer is ("5,0,7"), and whether all the rest is what follows from that.
constexpr const char* kState =
    "SELECT (SELECT group_concat(n) FROM (SELECT n FROM tally ORDER BY who)) AS far,"
    " (SELECT n FROM total) = (SELECT sum(n) FROM tally)"
    " AND (SELECT count(*) FROM w) = (SELECT sum(min(n, 30)) FROM tally)"
    " AND NOT EXISTS (SELECT 1 FROM w LEFT JOIN tally USING (who) WHERE tally.n IS NULL OR w.n > tally.n"
    "   OR w.n <= tally.n - 30 OR w.pad IS NOT " LIBSQL_MODEL_PAD("w.who", "w.n") ") AS good";
#undef LIBSQL_MODEL_PAD

/// FNV-1a.
class Digest {
 public:
  void add(const void* data, std::size_t size) {
    const auto* const bytes = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < size; ++i) hash_ = (hash_ ^ bytes[i]) * 1099511628211U;
  }
  void add(std::string_view text) {
    const std::uint64_t size = text.size();
    add(&size, sizeof size);
    add(text.data(), text.size());
  }
  void add(const ValueRef& value) {
    const auto type = static_cast<unsigned char>(value.type());
    add(&type, 1);
    if (value.type() == ValueType::Integer) {
      const std::int64_t integer = value.integer();
      add(&integer, sizeof integer);
    } else if (value.type() == ValueType::Real) {
      const double real = value.real();
      add(&real, sizeof real);
    } else if (value.type() == ValueType::Text) {
      add(value.text());
    } else if (value.type() == ValueType::Blob) {
      add(std::string_view(reinterpret_cast<const char*>(value.blob().data()), value.blob().size()));
    }
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 14695981039346656037U;
};

/// Of the schema and every row of every table: equal for a primary and its replica. Nobody may write meanwhile.
inline std::string digest(Connection& conn) {
  Digest digest;
  std::vector<std::string> tables;
  for (const Row& row : conn.query("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")) {
    for (int i = 0; i < 3; ++i) digest.add(row.value(i));
    if (row.get<std::string>(0) == "table") tables.push_back(row.get<std::string>(1));
  }
  for (const std::string& table : tables) {
    digest.add(table);
    for (const Row& row : conn.query("SELECT rowid, * FROM \"" + table + "\" ORDER BY rowid")) {
      for (int i = 0; i < row.column_count(); ++i) digest.add(row.value(i));
    }
  }
  return std::to_string(digest.value());
}

}  // namespace libsql::test::model
