// The modes insert and quote: values as SQL.
#include "cli/render.hpp"
#include "cli/value_text.hpp"
#include "sql/quote.hpp"

namespace libsql::cli {
namespace {

class SqlRenderer final : public Renderer {
 public:
  using Renderer::Renderer;

  void begin(std::span<const std::string> names) override {
    names_ = names;
    if (settings_.mode != OutputMode::Insert) return;
    prefix_ = "INSERT INTO " + sql::quote_identifier_if_needed(settings_.insert_table);
    if (settings_.headers) {
      for (std::size_t i = 0; i < names.size(); ++i) {
        prefix_ += (i == 0 ? "(" : ",") + sql::quote_identifier_if_needed(names[i]);
      }
      prefix_ += ')';
    }
    prefix_ += " VALUES(";
  }

  void row(std::span<const ValueRef> values) override {
    line_.clear();
    if (settings_.mode == OutputMode::Insert) {
      line_ += prefix_;
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (i > 0) line_ += ',';
        sql::append_literal_on_one_line(line_, values[i]);
      }
      line_ += ");\n";
    } else {
      if (first_ && settings_.headers) {
        for (std::size_t i = 0; i < names_.size(); ++i) {
          if (i > 0) line_ += settings_.column_separator;
          sql::append_literal(line_, ValueRef(std::string_view(names_[i])));
        }
        line_ += settings_.row_separator;
      }
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (i > 0) line_ += settings_.column_separator;
        sql::append_literal(line_, values[i]);
      }
      line_ += settings_.row_separator;
    }
    first_ = false;
    output_.write(line_);
  }

  void end() override {}

 private:
  std::span<const std::string> names_;
  std::string prefix_;
  std::string line_;
  bool first_ = true;
};

}  // namespace

std::unique_ptr<Renderer> make_sql_renderer(const OutputSettings& settings, Output& output) {
  return std::make_unique<SqlRenderer>(settings, output);
}

}  // namespace libsql::cli
