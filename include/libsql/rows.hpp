/// \file
/// Reading the rows of a query: Row (a view of the current one), Rows (all of them, forward only), RowsOf<T...> (as C++
/// types) and OwnedRow (a copy).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <libsql/column.hpp>
#include <libsql/convert.hpp>
#include <libsql/detail/backend_fwd.hpp>
#include <libsql/detail/call_scope.hpp>
#include <libsql/detail/row_shape.hpp>
#include <libsql/export.hpp>
#include <libsql/value.hpp>

namespace libsql {

/// The current row of a Rows: a view, valid until its next next(). Columns count from 0. Threads: as Connection.
class LIBSQL_EXPORT Row final {
 public:
  /// The value as T: bool, an integer type (checked), double or float, std::string, std::string_view, Blob, BlobView,
  /// an enum, a time point or date, Value, std::optional of these (NULL gives nullopt), or a type with
  /// Convert<T>::from_value. Text and blob views are valid until the next row. Conversions never lose data. Throws
  /// TypeMismatch if another type is stored, or NULL without std::optional; OutOfRange if T is too narrow for the value
  /// or there is no such column.
  template <class T>
  T get(int column) const {
    return detail::read_value<T>(value(column));
  }
  /// As above, by the column's name: the first match, ignoring ASCII case; a linear search.
  template <class T>
  T get(std::string_view name) const {
    return get<T>(index_of(name));
  }

  /// A view of the value, whatever its type. Throws OutOfRange.
  ValueRef value(int column) const;
  ValueRef value(std::string_view name) const { return value(index_of(name)); }

  int column_count() const noexcept { return column_count_; }
  /// The name of a column, valid as long as the Rows. Throws OutOfRange.
  std::string_view column_name(int column) const;
  /// The number of the column with this name. Throws OutOfRange if there is none.
  int index_of(std::string_view name) const;

  /// Fills `cells` with views of the first columns: one call for a whole row. Throws OutOfRange if there are fewer.
  void values(std::span<ValueRef> cells) const;

  /// The whole row as a tuple, a struct, or a single value: what RowsOf<Ts...> yields.
  template <class... Ts>
  auto as() const;

 private:
  friend class Rows;
  friend class detail::RowScope;
  friend struct detail::Access;
  core::Stmt* stmt_ = nullptr;
  int column_count_ = 0;
};

template <class... Ts>
auto Row::as() const {
  using Shape = detail::RowShape<Ts...>;
  if (column_count_ != static_cast<int>(Shape::columns)) detail::throw_column_count(column_count_, Shape::columns);
  return Shape::read(*this);
}

/// A copied row: its values, and the column names, which the rows of a result share.
class LIBSQL_EXPORT OwnedRow final {
 public:
  OwnedRow() = default;
  explicit OwnedRow(const Row& row);
  OwnedRow(std::vector<Value> values, std::shared_ptr<const std::vector<std::string>> names);

  template <class T>
  T get(int column) const {
    return detail::read_value<T>(value(column).ref());
  }
  template <class T>
  T get(std::string_view name) const {
    return get<T>(index_of(name));
  }
  /// Throws OutOfRange if there is no such column.
  const Value& value(int column) const;
  const Value& value(std::string_view name) const { return value(index_of(name)); }
  int index_of(std::string_view name) const;
  int column_count() const noexcept { return static_cast<int>(values_.size()); }
  std::span<const Value> values() const noexcept { return values_; }
  const std::vector<std::string>& column_names() const;

 private:
  std::vector<Value> values_;
  std::shared_ptr<const std::vector<std::string>> names_;
};

/// Rows in the order the database yields them, forward only, one in memory at a time. Outlives its Statement and
/// Connection handles. Its destructor, or close(), frees the statement for its next use. Threads: as Connection.
class LIBSQL_EXPORT Rows final {
 public:
  Rows(Rows&&) noexcept;
  Rows& operator=(Rows&&) noexcept;
  ~Rows();

  /// Goes to the next row. False at the end, and from then on. Throws as Connection::query() does.
  bool next();
  /// Requires: the last next() returned true.
  const Row& row() const noexcept { return row_; }
  /// Up to `count` further rows, copied out; fewer only at the end. For reading in chunks.
  std::vector<OwnedRow> fetch(std::size_t count);
  /// All remaining rows, copied out.
  std::vector<OwnedRow> fetch_all();
  /// Whether next() has returned false, or close() was called.
  bool done() const noexcept { return done_; }
  /// Gives up the remaining rows. A statement that writes still runs to its end, where foreign keys are checked and the
  /// commit is made: throws as next() would. Without close() the destructor does the same, and an error is thrown by
  /// the connection's next statement, which then does not run.
  void close();

  int column_count() const noexcept { return row_.column_count(); }
  /// Valid as long as this Rows.
  std::span<const Column> columns() const;

  class Iterator {
   public:
    using value_type = Row;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    explicit Iterator(Rows* rows) : rows_(rows) {}
    const Row& operator*() const noexcept { return rows_->row(); }
    const Row* operator->() const noexcept { return &rows_->row(); }
    Iterator& operator++() {
      rows_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) noexcept { return it.rows_->done(); }

   private:
    Rows* rows_ = nullptr;
  };
  /// An input iterator over the remaining rows, for range-for.
  Iterator begin() {
    next();
    return Iterator(this);
  }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  friend struct detail::Access;
  template <class... Ts>
  friend class TypedRows;
  Rows(std::shared_ptr<core::Session> session, std::shared_ptr<core::Stmt> stmt);
  void give_up() noexcept;
  detail::CallScope one_call() const noexcept { return detail::CallScope(session_.get()); }

  std::shared_ptr<core::Session> session_;
  std::shared_ptr<core::Stmt> stmt_;
  Row row_;
  std::shared_ptr<const std::vector<std::string>> names_;
  std::uint32_t cursor_id_ = 0;
  bool done_ = false;
};

/// Rows as C++ values: std::tuple<Ts...>, or the struct T for one aggregate T whose members take the columns in order.
/// The number of columns must be that of the types. Views in it are valid until the next row.
template <class... Ts>
class TypedRows final {
  using Shape = detail::RowShape<Ts...>;

 public:
  using value_type = typename Shape::type;

  explicit TypedRows(Rows rows) : rows_(std::move(rows)) {
    if (rows_.column_count() != static_cast<int>(Shape::columns)) {
      detail::throw_column_count(rows_.column_count(), Shape::columns);
    }
  }

  /// The next row, or nothing at the end.
  std::optional<value_type> next() {
    if (!rows_.next()) return std::nullopt;
    return Shape::read(rows_.row());
  }
  /// All remaining rows. Not for views, which would dangle.
  std::vector<value_type> fetch_all() {
    static_assert(!(detail::holds_views_v<Ts> || ...), "views end with their row: use owning types with fetch_all()");
    std::vector<value_type> all;
    const detail::CallScope call = rows_.one_call();
    while (rows_.next()) all.push_back(Shape::read(rows_.row()));
    return all;
  }
  Rows& untyped() noexcept { return rows_; }

  class Iterator {
   public:
    using value_type = typename Shape::type;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    explicit Iterator(Rows* rows) : rows_(rows) {}
    value_type operator*() const { return Shape::read(rows_->row()); }
    Iterator& operator++() {
      rows_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) noexcept { return it.rows_->done(); }

   private:
    Rows* rows_ = nullptr;
  };
  Iterator begin() {
    rows_.next();
    return Iterator(&rows_);
  }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  Rows rows_;
};

namespace detail {
template <class... Ts>
struct RowsOfHelper {
  using type = TypedRows<Ts...>;
};
template <>
struct RowsOfHelper<> {
  using type = Rows;
};
}  // namespace detail

/// Rows for no types, else TypedRows<Ts...>.
template <class... Ts>
using RowsOf = typename detail::RowsOfHelper<Ts...>::type;

}  // namespace libsql
