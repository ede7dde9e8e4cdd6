// generate_series(start, stop, step): the numbers from start to stop, as SQLite's shell has it
// (https://www.sqlite.org/series.html). Nothing is made in advance: each row is one step, which an interrupt or a
// deadline can end, and bounds that a query sets for the value narrow the series.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "functions/register.hpp"
#include "functions/sqlite_api.hpp"

namespace libsql::functions {
namespace {

enum Column { kValue, kStart, kStop, kStep };

constexpr sqlite3_int64 kSmallest = std::numeric_limits<sqlite3_int64>::min();
constexpr sqlite3_int64 kLargest = std::numeric_limits<sqlite3_int64>::max();
constexpr sqlite3_int64 kDefaultStop = 0xFFFFFFFF;

struct Series {
  sqlite3_int64 start = 0;
  sqlite3_int64 stop = kDefaultStop;
  sqlite3_int64 step = 1;
};

std::uint64_t distance(sqlite3_int64 from, sqlite3_int64 to) noexcept {
  return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
}
sqlite3_int64 moved(sqlite3_int64 from, std::uint64_t by) noexcept {
  return static_cast<sqlite3_int64>(static_cast<std::uint64_t>(from) + by);
}

struct Cursor {
  sqlite3_vtab_cursor base{};
  Series given;
  // From the first value that is given out on, upwards or downwards.
  sqlite3_int64 value = 0;
  std::uint64_t width = 1;
  std::uint64_t left = 0;  // after the current one
  bool downwards = false;
  bool done = true;
};

// Narrows [low, high] by `value OP bound`. What the bound is not a number for is left to the engine.
void narrow(char op, sqlite3_value* bound, sqlite3_int64& low, sqlite3_int64& high) noexcept {
  bool below = false;  // whether there is a whole number at the bound itself
  sqlite3_int64 floor = 0;
  switch (sqlite3_value_type(bound)) {
    case SQLITE_INTEGER:
      floor = sqlite3_value_int64(bound);
      break;
    case SQLITE_FLOAT: {
      const double real = sqlite3_value_double(bound);
      if (!(std::fabs(real) < 9.2e18)) return;
      floor = static_cast<sqlite3_int64>(std::floor(real));
      below = std::floor(real) != real;
      break;
    }
    default:
      return;
  }
  const auto nothing = [&] {
    low = 1;
    high = 0;
  };
  switch (op) {
    case '=':
      if (below) return nothing();
      low = std::max(low, floor);
      high = std::min(high, floor);
      break;
    case '<':  // 3 < 3.5, but not 3 < 3
      if (!below && floor == kSmallest) return nothing();
      high = std::min(high, below ? floor : floor - 1);
      break;
    case '{':
      high = std::min(high, floor);
      break;
    case '>':
      if (floor == kLargest) return nothing();
      low = std::max(low, floor + 1);
      break;
    case '}':
      if (below && floor == kLargest) return nothing();
      low = std::max(low, below ? floor + 1 : floor);
      break;
    default:
      break;
  }
}

void begin(Cursor& cursor, sqlite3_int64 low, sqlite3_int64 high, bool downwards) noexcept {
  const Series& series = cursor.given;
  const std::uint64_t width =
      series.step > 0 ? static_cast<std::uint64_t>(series.step) : 0 - static_cast<std::uint64_t>(series.step);
  cursor.width = width;
  cursor.downwards = downwards;
  cursor.done = true;
  if (low > high) return;
  // The series as a rising one: from its smallest to its largest value.
  sqlite3_int64 first = series.start;
  sqlite3_int64 last = series.stop;
  if (series.step > 0) {
    if (first > last) return;
    last = moved(first, distance(first, last) / width * width);
  } else {
    if (first < last) return;
    first = moved(series.start, 0 - distance(series.stop, series.start) / width * width);
    last = series.start;
  }
  if (low > last || high < first) return;
  if (low > first) {
    const std::uint64_t steps = distance(first, low) / width + (distance(first, low) % width != 0 ? 1 : 0);
    if (steps > distance(first, last) / width) return;
    first = moved(first, steps * width);
  }
  if (high < last) {
    if (high < first) return;
    last = moved(first, distance(first, high) / width * width);
  }
  cursor.value = downwards ? last : first;
  cursor.left = distance(first, last) / width;
  cursor.done = false;
}

int connect(sqlite3* db, void*, int, const char* const*, sqlite3_vtab** table, char**) {
  const int code = sqlite3_declare_vtab(db, "CREATE TABLE x(value INTEGER, start HIDDEN, stop HIDDEN, step HIDDEN)");
  if (code != SQLITE_OK) return code;
  *table = new (std::nothrow) sqlite3_vtab{};
  if (*table == nullptr) return SQLITE_NOMEM;
  sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
  return SQLITE_OK;
}

int disconnect(sqlite3_vtab* table) {
  delete table;
  return SQLITE_OK;
}

int open_cursor(sqlite3_vtab*, sqlite3_vtab_cursor** out) {
  auto* const cursor = new (std::nothrow) Cursor;
  if (cursor == nullptr) return SQLITE_NOMEM;
  *out = &cursor->base;
  return SQLITE_OK;
}

Cursor& cursor_of(sqlite3_vtab_cursor* base) noexcept { return *reinterpret_cast<Cursor*>(base); }

int close_cursor(sqlite3_vtab_cursor* base) {
  delete &cursor_of(base);
  return SQLITE_OK;
}

// The plan is a text: one letter for each argument, and "d" at its beginning for a falling order.
int best_index(sqlite3_vtab* table, sqlite3_index_info* info) {
  std::array<int, 3> given = {-1, -1, -1};
  std::string plan;
  bool unusable = false;
  int arguments = 0;
  for (int i = 0; i < info->nConstraint; ++i) {
    const auto& constraint = info->aConstraint[i];
    const bool equal = constraint.op == SQLITE_INDEX_CONSTRAINT_EQ;
    if (constraint.iColumn >= kStart && equal) {
      if (constraint.usable != 0) {
        given[static_cast<std::size_t>(constraint.iColumn - kStart)] = i;
      } else {
        unusable = true;
      }
    }
  }
  if (unusable) {
    // Arguments that come from another table: it has to be read first.
    for (int i = 0; i < info->nConstraint; ++i) {
      const auto& constraint = info->aConstraint[i];
      if (constraint.iColumn >= kStart && constraint.op == SQLITE_INDEX_CONSTRAINT_EQ && constraint.usable == 0 &&
          given[static_cast<std::size_t>(constraint.iColumn - kStart)] < 0) {
        return SQLITE_CONSTRAINT;
      }
    }
  }
  if (given[0] < 0) {
    sqlite3_free(table->zErrMsg);
    table->zErrMsg = sqlite3_mprintf("first argument to generate_series() missing or unusable");
    return SQLITE_ERROR;
  }
  try {
    if (info->nOrderBy > 0 && info->aOrderBy[0].iColumn == kValue) {
      if (info->aOrderBy[0].desc != 0) plan += 'd';
      if (info->aOrderBy[0].desc == 0) plan += 'a';
      info->orderByConsumed = 1;
    }
    for (std::size_t i = 0; i < given.size(); ++i) {
      if (given[i] < 0) continue;
      info->aConstraintUsage[given[i]].argvIndex = ++arguments;
      info->aConstraintUsage[given[i]].omit = 1;
      plan += "spt"[i];
    }
    for (int i = 0; i < info->nConstraint; ++i) {
      const auto& constraint = info->aConstraint[i];
      if (constraint.iColumn != kValue || constraint.usable == 0) continue;
      char op = '\0';
      if (constraint.op == SQLITE_INDEX_CONSTRAINT_EQ) op = '=';
      if (constraint.op == SQLITE_INDEX_CONSTRAINT_LT) op = '<';
      if (constraint.op == SQLITE_INDEX_CONSTRAINT_LE) op = '{';
      if (constraint.op == SQLITE_INDEX_CONSTRAINT_GT) op = '>';
      if (constraint.op == SQLITE_INDEX_CONSTRAINT_GE) op = '}';
      if (op == '\0') continue;
      info->aConstraintUsage[i].argvIndex = ++arguments;
      plan += op;
    }
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  }
  info->idxStr = sqlite3_mprintf("%s", plan.c_str());
  if (info->idxStr == nullptr) return SQLITE_NOMEM;
  info->needToFreeIdxStr = 1;
  const bool bounded = given[1] >= 0;
  info->estimatedCost = bounded ? 1.0 : 2147483647.0;
  info->estimatedRows = bounded ? 1000 : 2147483647;
  return SQLITE_OK;
}

int filter(sqlite3_vtab_cursor* base, int, const char* plan, int count, sqlite3_value** values) {
  Cursor& cursor = cursor_of(base);
  cursor.given = {};
  cursor.done = true;
  char order = '\0';
  if (*plan == 'a' || *plan == 'd') order = *plan++;
  sqlite3_int64 low = kSmallest;
  sqlite3_int64 high = kLargest;
  for (int i = 0; i < count; ++i) {
    if (sqlite3_value_type(values[i]) == SQLITE_NULL) return SQLITE_OK;  // nothing is between, or equals, NULL
    switch (plan[i]) {
      case 's':
        cursor.given.start = sqlite3_value_int64(values[i]);
        break;
      case 'p':
        cursor.given.stop = sqlite3_value_int64(values[i]);
        break;
      case 't':
        cursor.given.step = sqlite3_value_int64(values[i]);
        if (cursor.given.step == 0) cursor.given.step = 1;
        break;
      default:
        narrow(plan[i], values[i], low, high);
    }
  }
  begin(cursor, low, high, order == '\0' ? cursor.given.step < 0 : order == 'd');
  return SQLITE_OK;
}

int next(sqlite3_vtab_cursor* base) {
  Cursor& cursor = cursor_of(base);
  if (cursor.left == 0) {
    cursor.done = true;
    return SQLITE_OK;
  }
  --cursor.left;
  cursor.value = moved(cursor.value, cursor.downwards ? 0 - cursor.width : cursor.width);
  return SQLITE_OK;
}

int eof(sqlite3_vtab_cursor* base) { return cursor_of(base).done ? 1 : 0; }

int column(sqlite3_vtab_cursor* base, sqlite3_context* context, int number) {
  const Cursor& cursor = cursor_of(base);
  switch (number) {
    case kStart:
      sqlite3_result_int64(context, cursor.given.start);
      break;
    case kStop:
      sqlite3_result_int64(context, cursor.given.stop);
      break;
    case kStep:
      sqlite3_result_int64(context, cursor.given.step);
      break;
    default:
      sqlite3_result_int64(context, cursor.value);
  }
  return SQLITE_OK;
}

int rowid(sqlite3_vtab_cursor* base, sqlite3_int64* out) {
  *out = cursor_of(base).value;
  return SQLITE_OK;
}

const sqlite3_module& module() noexcept {
  static const sqlite3_module kModule = [] {
    sqlite3_module made{};
    made.xConnect = connect;  // and no xCreate: it is a function, and no table can be made of it
    made.xBestIndex = best_index;
    made.xDisconnect = disconnect;
    made.xOpen = open_cursor;
    made.xClose = close_cursor;
    made.xFilter = filter;
    made.xNext = next;
    made.xEof = eof;
    made.xColumn = column;
    made.xRowid = rowid;
    return made;
  }();
  return kModule;
}

}  // namespace

int register_series(sqlite3* connection) noexcept {
  const int code = sqlite3_create_module_v2(connection, "generate_series", &module(), nullptr, nullptr);
  if (code != SQLITE_OK) return code;
  return sqlite3_create_module_v2(connection, "stats_seq", &module(), nullptr, nullptr);  // sqld's other name for it
}

}  // namespace libsql::functions
