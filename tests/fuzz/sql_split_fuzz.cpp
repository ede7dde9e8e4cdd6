// Any text is cut into statements without gaps, and where the engine compiles a statement, it ends where ours ends. The
// library compiles a text if it holds one statement that the engine compiles, whatever stands around it, and no NUL.
#include <cstdint>
#include <string_view>

#include "fuzz/sql_engine.hpp"
#include "sql/classify.hpp"
#include "sql/split.hpp"
#include "sql/tokenizer.hpp"

using libsql::test::fuzz_database;
using libsql::test::require;

namespace {

bool is_blank(std::string_view text) {
  libsql::sql::Tokenizer tokenizer(text);
  auto token = tokenizer.next_significant();
  while (token.kind == libsql::sql::TokenKind::Semicolon) token = tokenizer.next_significant();
  return token.kind == libsql::sql::TokenKind::End;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view script(reinterpret_cast<const char*>(data), size);
  std::size_t position = 0;
  std::size_t count = 0;
  bool compiles = false;  // the last one
  bool last_terminated = false;
  for (const auto& statement : libsql::sql::split(script)) {
    require(statement.offset >= position && statement.end <= size && !statement.text.empty());
    require(statement.text.data() == script.data() + statement.offset);
    require(is_blank(script.substr(position, statement.offset - position)));
    require(statement.terminated ==
                (script[statement.end - 1] == ';' && statement.end > statement.offset + statement.text.size()) ||
            !statement.terminated);
    libsql::sql::classify(statement.text);
    const bool has_nul = statement.text.find('\0') != std::string_view::npos;
    sqlite3_stmt* raw = nullptr;
    const char* tail = nullptr;
    const char* const start = script.data() + statement.offset;
    const int rc =
        sqlite3_prepare_v3(fuzz_database(), start, static_cast<int>(size - statement.offset), 0, &raw, &tail);
    const libsql::test::StatementHandle handle(raw);
    if (rc == SQLITE_OK && !has_nul) require(raw != nullptr && tail == script.data() + statement.end);
    const auto prepared = libsql::test::fuzz_prepare(statement.text);
    compiles = rc == SQLITE_OK && !has_nul;
    require((prepared != nullptr) == compiles);
    ++count;
    position = statement.end;
    last_terminated = statement.terminated;
  }
  require(is_blank(script.substr(position)));
  require(script.substr(position).find('\0') == std::string_view::npos);
  require((libsql::test::fuzz_prepare(script) != nullptr) == (count == 1 && compiles));
  if (libsql::sql::is_complete(script)) require(last_terminated || position == 0);
  return 0;
}
