/// \file
/// Virtual tables without a class: a range as a table, a function as a table-valued function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <ranges>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <libsql/detail/callable.hpp>
#include <libsql/virtual_table.hpp>

namespace libsql {

/// A column of expose(): its name and how to read it from an element, by a member pointer or a callable.
template <class Read>
struct SourceColumn {
  std::string name;
  Read read;
};
template <class Read>
SourceColumn<Read> source_column(std::string name, Read read) {
  return {std::move(name), std::move(read)};
}

namespace detail {

/// `CREATE TABLE x(...)` with the names quoted, then `parameters` hidden columns.
LIBSQL_EXPORT std::string declare_table(const std::vector<std::string>& columns, int parameters);
/// Uses `=` on the hidden columns from `first` on; the plan's number has a bit for each one that is given.
LIBSQL_EXPORT void plan_parameters(IndexPlan& plan, int first, int parameters);
/// The arguments in the order of the parameters, NULL where none is given.
LIBSQL_EXPORT std::vector<ValueRef> place_parameters(const TableScan& scan, int parameters);

/// Rows from `Source(arguments)`, a range; `Cell(element, column, sink)` gives their values.
template <class Source, class Cell>
class SourceTable final : public VirtualTable {
 public:
  SourceTable(std::shared_ptr<Source> source, std::shared_ptr<Cell> cell, std::vector<std::string> columns,
              int parameters)
      : source_(std::move(source)), cell_(std::move(cell)), columns_(std::move(columns)), parameters_(parameters) {}

  std::string declaration() const override { return declare_table(columns_, parameters_); }
  void best_index(IndexPlan& plan) override { plan_parameters(plan, static_cast<int>(columns_.size()), parameters_); }
  std::unique_ptr<VirtualCursor> open() override { return std::make_unique<Cursor>(*this); }

 private:
  using Range = std::invoke_result_t<Source&, Arguments>;

  class Cursor final : public VirtualCursor {
   public:
    explicit Cursor(const SourceTable& table)
        : source_(table.source_),
          cell_(table.cell_),
          columns_(static_cast<int>(table.columns_.size())),
          parameters_(table.parameters_) {}

    void filter(const TableScan& scan) override {
      const std::vector<ValueRef> placed = place_parameters(scan, parameters_);
      arguments_.clear();
      for (const ValueRef& value : placed) arguments_.emplace_back(value);
      std::vector<ValueRef> kept;  // the range may view its arguments
      for (const Value& value : arguments_) kept.push_back(value.ref());
      rows_.reset();
      rows_ = std::make_unique<Rows>(*source_, Arguments(kept));
      number_ = 1;
    }
    bool at_end() const override { return rows_ == nullptr || rows_->at == std::ranges::end(rows_->range); }
    void next() override {
      ++rows_->at;
      ++number_;
    }
    void column(int column, ResultSink& result) override {
      if (column >= columns_) {
        result.set(arguments_[static_cast<std::size_t>(column - columns_)]);
      } else {
        (*cell_)(*rows_->at, column, result);
      }
    }
    std::int64_t rowid() override { return number_; }

   private:
    struct Rows {
      Rows(Source& source, Arguments arguments) : range(source(arguments)), at(std::ranges::begin(range)) {}
      Range range;  // perhaps a reference
      decltype(std::ranges::begin(std::declval<std::remove_reference_t<Range>&>())) at;
    };
    std::shared_ptr<Source> source_;
    std::shared_ptr<Cell> cell_;
    int columns_, parameters_;
    std::vector<Value> arguments_;
    std::unique_ptr<Rows> rows_;
    std::int64_t number_ = 0;
  };

  std::shared_ptr<Source> source_;
  std::shared_ptr<Cell> cell_;
  std::vector<std::string> columns_;
  int parameters_;
};

template <class Source, class Cell>
void add_source(VirtualTables& tables, std::string_view name, Source source, Cell cell,
                std::vector<std::string> columns, int parameters) {
  tables.module(name,
                [source = std::make_shared<Source>(std::move(source)), cell = std::make_shared<Cell>(std::move(cell)),
                 columns = std::move(columns), parameters](const TableRequest&) -> std::unique_ptr<VirtualTable> {
                  return std::make_unique<SourceTable<Source, Cell>>(source, cell, columns, parameters);
                });
}

/// Calls `visit(integral_constant)` with `index` as a constant.
template <std::size_t Count, class Visit>
void with_index(int index, Visit&& visit) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    static_cast<void>(
        ((static_cast<int>(I) == index ? (visit(std::integral_constant<std::size_t, I>{}), true) : false) || ...));
  }
  (std::make_index_sequence<Count>{});
}

}  // namespace detail

/// Makes a table `name` from what `source()` returns: a range, or a reference to one that outlives the statements. It
/// is called for each scan. Example, for a vector `people`: expose(tables, "people", [&]() -> const auto& { return
/// people; }, source_column("name", &Person::name))
template <class Source, class... Read>
requires std::ranges::input_range<std::invoke_result_t<Source&>>
void expose(VirtualTables& tables, std::string_view name, Source source, SourceColumn<Read>... columns) {
  static_assert(sizeof...(Read) > 0, "a table needs a column");
  auto readers = std::make_tuple(std::move(columns.read)...);
  detail::add_source(
      tables, name, [source = std::move(source)](detail::Arguments) mutable -> decltype(auto) { return source(); },
      [readers = std::move(readers)](auto&& element, int column, ResultSink& result) {
        detail::with_index<sizeof...(Read)>(
            column, [&](auto index) { result.set(std::invoke(std::get<index()>(readers), element)); });
      },
      std::vector<std::string>{std::move(columns.name)...}, 0);
}

/// Makes `name` a table-valued function: `SELECT * FROM name(1, 'x')`. `function` takes SQL values as those of
/// Functions::scalar() do (an argument left out is NULL) and returns a range of values, or of tuples with one value for
/// each column. Views of the arguments are valid for its call only.
template <class F>
void table_function(VirtualTables& tables, std::string_view name, std::initializer_list<std::string> columns,
                    F function) {
  using Parameters = typename detail::Signature<std::decay_t<F>>::Parameters;
  using Element = std::ranges::range_value_t<typename detail::Signature<std::decay_t<F>>::Result>;
  static_assert(detail::ArityOf<Parameters>::value >= 0, "the number of arguments has to be fixed");
  const auto cell = [](const auto& element, int column, ResultSink& result) {
    if constexpr (detail::IsTuple<Element>::value) {
      detail::with_index<std::tuple_size_v<Element>>(column,
                                                     [&](auto index) { result.set(std::get<index()>(element)); });
    } else {
      static_cast<void>(column);
      result.set(element);
    }
  };
  detail::add_source(
      tables, name,
      [function = std::move(function)](detail::Arguments arguments) mutable -> decltype(auto) {
        return detail::call(function, arguments, Parameters{});
      },
      cell, std::vector<std::string>(columns), detail::ArityOf<Parameters>::value);
}

}  // namespace libsql
