// Erlang terms from the library's values, and back.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <erl_nif.h>

#include <libsql/value.hpp>

#include "elixir/c_src/core/session.hpp"

namespace libsql::beam {

/// A term of a kind that no argument of a statement can be.
struct UnsupportedArgument {
  ERL_NIF_TERM term;
};
/// A term that the Elixir side never passes: its caller gets badarg.
struct BadTerm {};

ERL_NIF_TERM atom(ErlNifEnv* env, const char* name);
/// An atom for a name like "NotNull" in the form not_null.
ERL_NIF_TERM snake_atom(ErlNifEnv* env, std::string_view name);
ERL_NIF_TERM binary(ErlNifEnv* env, std::string_view bytes);
ERL_NIF_TERM term_of(ErlNifEnv* env, ValueRef value);
ERL_NIF_TERM list(ErlNifEnv* env, const std::vector<ERL_NIF_TERM>& terms);
void put(ErlNifEnv* env, ERL_NIF_TERM& map, const char* key, ERL_NIF_TERM value);

bool is_atom(ErlNifEnv* env, ERL_NIF_TERM term, const char* name);
std::string atom_name(ErlNifEnv* env, ERL_NIF_TERM term);
/// A view of a binary, valid as long as its term.
std::string_view text_of(ErlNifEnv* env, ERL_NIF_TERM term);
std::int64_t integer_of(ErlNifEnv* env, ERL_NIF_TERM term);
/// The value of a key, unless it is missing or nil.
std::optional<ERL_NIF_TERM> get(ErlNifEnv* env, ERL_NIF_TERM map, const char* key);
std::span<const ERL_NIF_TERM> tuple_of(ErlNifEnv* env, ERL_NIF_TERM term);
/// Calls `use` with each element of a list.
template <class Use>
void for_each(ErlNifEnv* env, ERL_NIF_TERM list_term, Use use) {
  ERL_NIF_TERM head, tail = list_term;
  while (enif_get_list_cell(env, tail, &head, &tail) != 0) use(head);
  if (enif_is_empty_list(env, tail) == 0) throw BadTerm{};
}

/// The arguments of one statement as views into `env`: a list of values, or {:named, [{name, value}]}.
class TermArguments {
 public:
  TermArguments(ErlNifEnv* env, ERL_NIF_TERM term);
  TermArguments(const TermArguments&) = delete;
  TermArguments& operator=(const TermArguments&) = delete;
  Arguments view() const { return {positional_, named_, by_name_}; }

 private:
  std::vector<ValueRef> positional_;
  std::vector<std::pair<std::string_view, ValueRef>> named_;
  std::vector<std::string> owned_;  // of blobs that came as lists
  bool by_name_ = false;
};

/// Collects names and rows as terms of `env`.
class TermSink final : public RowSink {
 public:
  explicit TermSink(ErlNifEnv* env) : env_(env) {}
  void columns(std::span<const Column> columns) override;
  std::size_t row(std::span<const ValueRef> cells) override;
  /// nil if the statement yields no rows.
  ERL_NIF_TERM names() const;
  ERL_NIF_TERM rows() const { return list(env_, rows_); }

 private:
  ErlNifEnv* env_;
  bool has_columns_ = false;
  std::vector<ERL_NIF_TERM> names_, rows_, cells_;
};

/// {:error, reason} for what is being handled: a map of what is known of a libsql::Error, or a tagged tuple.
ERL_NIF_TERM error_term(ErlNifEnv* env, bool in_transaction) noexcept;

OpenOptions open_options(ErlNifEnv* env, ERL_NIF_TERM map);

}  // namespace libsql::beam
