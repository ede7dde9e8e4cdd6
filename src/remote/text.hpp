// SQL texts as far as the client understands them without asking the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/column.hpp>

#include "core/text_lru.hpp"
#include "hrana/responses.hpp"
#include "sql/classify.hpp"
#include "sql/parameters.hpp"

namespace libsql::remote {

/// What the server said of a statement when it was asked to describe it, or when it ran.
struct Description {
  std::vector<Column> columns;
  bool is_readonly = false;
};

/// The columns that an answer names.
std::vector<Column> columns_of(std::span<const hrana::Col> cols);
/// Whether it says the same of the columns as an answer does.
bool has_columns(const Description& description, std::span<const hrana::Col> cols) noexcept;

/// How the arguments of a statement travel. The protocol takes either a list or names, and servers do not give a list
/// to named parameters (observed: sqld 0.24.33).
enum class ArgumentStyle : std::uint8_t {
  List,   // `?` and `?12` only, or no parameters
  Names,  // `:a`, `@a` and `$a` only
  Mixed   // both: the text is sent with numbers in the place of all
};

/// One statement, understood once and shared by all that use its text.
struct Text {
  /// Finds the one statement in `source`. Throws Misuse if there is none, or a second one.
  explicit Text(std::string_view source);
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;

  /// What is sent: the statement alone, without the text around it.
  std::string_view sent() const noexcept { return style == ArgumentStyle::Mixed ? numbered : statement; }
  bool is_read() const noexcept { return what.access == sql::Access::Read; }
  /// Whether it only reads, and may have more rows than are worth waiting for.
  bool may_have_many_rows() const noexcept { return is_read() && !few_rows; }
  /// Whether it counts for changes() and last_insert_rowid().
  bool changes_rows() const noexcept;
  bool begins_transaction() const noexcept;
  /// Whether the schema, and so what is known of other statements, may be another one after it.
  bool changes_schema() const noexcept;
  /// Whether all it does is to set up the stream that it runs on.
  bool sets_up_stream() const noexcept;
  std::size_t bytes() const noexcept { return source.size() + numbered.size() + 512; }

  const std::string source;
  std::string_view statement;  // in `source`
  std::size_t offset = 0;      // of `statement` in `source`
  sql::Classification what;
  sql::ParameterList parameters;
  ArgumentStyle style = ArgumentStyle::List;
  std::string numbered;  // of Mixed
  std::optional<Description> description;
  bool few_rows = false;  // of a query, as its text shows
  bool proved = false;    // the server has run or described it
};

/// The texts that a session has used lately.
class TextCache {
 public:
  /// The text, understood now if need be. Throws as Text does.
  std::shared_ptr<Text> get(std::string_view source);
  /// The schema has changed: what was described may be wrong.
  void forget_descriptions() noexcept;
  void clear() noexcept;

  std::size_t size() const noexcept { return entries_.size(); }
  std::size_t bytes() const noexcept { return entries_.bytes(); }
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t evictions = 0;

 private:
  static constexpr std::size_t kMaxBytes = std::size_t{4} << 20;
  struct Entry {
    std::shared_ptr<Text> understood;
    std::size_t bytes;
    std::string_view text() const noexcept { return understood->source; }
  };
  core::TextLru<Entry> entries_;
};

}  // namespace libsql::remote
