#include "elixir/c_src/nif/terms.hpp"

#include <cmath>
#include <cstring>
#include <new>

#include <libsql/error.hpp>
#include <libsql/error_code.hpp>

namespace libsql::beam {

namespace {

/// Whether bytes are UTF-8 as Elixir's String.valid?/1 has it: no surrogates, nothing overlong.
bool is_utf8(std::string_view text) {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = at + text.size();
  while (at != end) {
    if (end - at >= 8) {
      std::uint64_t word;
      std::memcpy(&word, at, 8);
      if ((word & 0x8080808080808080u) == 0) {
        at += 8;
        continue;
      }
    }
    const unsigned lead = *at++;
    if (lead < 0x80) continue;
    const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || end - at < more) return false;
    std::uint32_t code = lead & (0x3fu >> more);
    for (int i = 0; i < more; ++i, ++at) {
      if ((*at & 0xc0) != 0x80) return false;
      code = code << 6 | (*at & 0x3fu);
    }
    if ((more == 2 && code < 0x800) || (more == 3 && (code < 0x10000 || code > 0x10ffff)) ||
        (code >= 0xd800 && code < 0xe000)) {
      return false;
    }
  }
  return true;
}

const char* name_of(ConstraintKind kind) {
  switch (kind) {
    case ConstraintKind::Other:
      return "other";
    case ConstraintKind::Check:
      return "check";
    case ConstraintKind::CommitHook:
      return "commit_hook";
    case ConstraintKind::ForeignKey:
      return "foreign_key";
    case ConstraintKind::Function:
      return "function";
    case ConstraintKind::NotNull:
      return "not_null";
    case ConstraintKind::PrimaryKey:
      return "primary_key";
    case ConstraintKind::RowId:
      return "rowid";
    case ConstraintKind::Trigger:
      return "trigger";
    case ConstraintKind::Unique:
      return "unique";
    case ConstraintKind::VirtualTable:
      return "virtual_table";
    case ConstraintKind::DataType:
      return "data_type";
    case ConstraintKind::Pinned:
      return "pinned";
  }
  return "other";
}

const char* name_of(ErrorOrigin origin) {
  switch (origin) {
    case ErrorOrigin::Engine:
      return "engine";
    case ErrorOrigin::Server:
      return "server";
    case ErrorOrigin::Network:
      return "network";
    case ErrorOrigin::Api:
      return "api";
  }
  return "api";
}

ERL_NIF_TERM boolean(ErlNifEnv* env, bool value) { return atom(env, value ? "true" : "false"); }

ERL_NIF_TERM describe(ErlNifEnv* env, const Error& error, bool in_transaction) {
  ERL_NIF_TERM map = enif_make_new_map(env);
  put(env, map, "code", snake_atom(env, to_string(error.code())));
  put(env, map, "origin", atom(env, name_of(error.origin())));
  put(env, map, "sqlite_code", enif_make_int(env, error.sqlite_code()));
  put(env, map, "message", binary(env, error.message()));
  if (!error.sql().empty()) put(env, map, "sql", binary(env, error.sql()));
  if (error.offset()) put(env, map, "offset", enif_make_uint64(env, *error.offset()));
  if (error.statement_index()) put(env, map, "statement_index", enif_make_uint64(env, *error.statement_index()));
  put(env, map, "retryable", boolean(env, error.retryable()));
  put(env, map, "session_usable", boolean(env, error.session_usable()));
  put(env, map, "outcome_known", boolean(env, error.outcome_known()));
  put(env, map, "in_transaction", boolean(env, in_transaction));
  if (const auto* constraint = dynamic_cast<const Constraint*>(&error)) {
    put(env, map, "constraint", atom(env, name_of(constraint->kind())));
    if (!constraint->table().empty()) put(env, map, "table", binary(env, constraint->table()));
    std::vector<ERL_NIF_TERM> columns;
    for (const std::string& column : constraint->columns()) columns.push_back(binary(env, column));
    put(env, map, "columns", list(env, columns));
    if (!constraint->name().empty()) put(env, map, "name", binary(env, constraint->name()));
  }
  if (const auto* unsupported = dynamic_cast<const Unsupported*>(&error)) {
    put(env, map, "feature", binary(env, unsupported->feature()));
    put(env, map, "mode", binary(env, unsupported->mode()));
  }
  return map;
}

ERL_NIF_TERM plain(ErlNifEnv* env, const char* code, std::string_view message, bool in_transaction) {
  ERL_NIF_TERM map = enif_make_new_map(env);
  put(env, map, "code", atom(env, code));
  put(env, map, "origin", atom(env, "api"));
  put(env, map, "sqlite_code", enif_make_int(env, 0));
  put(env, map, "message", binary(env, message));
  put(env, map, "retryable", boolean(env, false));
  put(env, map, "session_usable", boolean(env, true));
  put(env, map, "outcome_known", boolean(env, true));
  put(env, map, "in_transaction", boolean(env, in_transaction));
  return map;
}

Value setting_of(ErlNifEnv* env, ERL_NIF_TERM term) {
  if (is_atom(env, term, "true")) return Value(true);
  if (is_atom(env, term, "false")) return Value(false);
  ErlNifSInt64 integer;
  if (enif_get_int64(env, term, &integer) != 0) return Value(static_cast<std::int64_t>(integer));
  if (enif_is_atom(env, term) != 0) return Value(atom_name(env, term));
  return Value(text_of(env, term));
}

}  // namespace

ERL_NIF_TERM atom(ErlNifEnv* env, const char* name) { return enif_make_atom(env, name); }

ERL_NIF_TERM snake_atom(ErlNifEnv* env, std::string_view name) {
  std::string snake;
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !snake.empty()) snake += '_';
    snake += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return enif_make_atom(env, snake.c_str());
}

ERL_NIF_TERM binary(ErlNifEnv* env, std::string_view bytes) {
  ERL_NIF_TERM term;
  unsigned char* const data = enif_make_new_binary(env, bytes.size(), &term);
  if (!bytes.empty()) std::memcpy(data, bytes.data(), bytes.size());
  return term;
}

ERL_NIF_TERM term_of(ErlNifEnv* env, ValueRef value) {
  switch (value.type()) {
    case ValueType::Null:
      return atom(env, "nil");
    case ValueType::Integer:
      return enif_make_int64(env, value.integer());
    case ValueType::Real: {
      // The VM's floats are finite, SQLite's are not.
      const double real = value.real();
      if (std::isfinite(real)) return enif_make_double(env, real);
      return atom(env, std::isnan(real) ? "nan" : real > 0 ? "infinity" : "neg_infinity");
    }
    case ValueType::Text:
      return binary(env, value.text());
    case ValueType::Blob: {
      if (value.is_zero_blob()) return binary(env, std::string(value.size(), '\0'));
      const BlobView blob = value.blob();
      return binary(env, {reinterpret_cast<const char*>(blob.data()), blob.size()});
    }
  }
  return atom(env, "nil");
}

ERL_NIF_TERM list(ErlNifEnv* env, const std::vector<ERL_NIF_TERM>& terms) {
  return enif_make_list_from_array(env, terms.data(), static_cast<unsigned>(terms.size()));
}

void put(ErlNifEnv* env, ERL_NIF_TERM& map, const char* key, ERL_NIF_TERM value) {
  enif_make_map_put(env, map, atom(env, key), value, &map);
}

std::string atom_name(ErlNifEnv* env, ERL_NIF_TERM term) {
  char name[256];
  if (enif_get_atom(env, term, name, sizeof name, ERL_NIF_LATIN1) == 0) throw BadTerm{};
  return name;
}

bool is_atom(ErlNifEnv* env, ERL_NIF_TERM term, const char* name) {
  return enif_is_identical(term, atom(env, name)) != 0;
}

std::string_view text_of(ErlNifEnv* env, ERL_NIF_TERM term) {
  ErlNifBinary bytes;
  if (enif_inspect_binary(env, term, &bytes) == 0) throw BadTerm{};
  return {reinterpret_cast<const char*>(bytes.data), bytes.size};
}

std::int64_t integer_of(ErlNifEnv* env, ERL_NIF_TERM term) {
  ErlNifSInt64 value;
  if (enif_get_int64(env, term, &value) == 0) throw BadTerm{};
  return value;
}

std::optional<ERL_NIF_TERM> get(ErlNifEnv* env, ERL_NIF_TERM map, const char* key) {
  ERL_NIF_TERM value;
  if (enif_get_map_value(env, map, atom(env, key), &value) == 0 || is_atom(env, value, "nil")) return std::nullopt;
  return value;
}

std::span<const ERL_NIF_TERM> tuple_of(ErlNifEnv* env, ERL_NIF_TERM term) {
  int arity;
  const ERL_NIF_TERM* elements;
  if (enif_get_tuple(env, term, &arity, &elements) == 0) throw BadTerm{};
  return {elements, static_cast<std::size_t>(arity)};
}

TermArguments::TermArguments(ErlNifEnv* env, ERL_NIF_TERM term) {
  const auto value_of = [&](ERL_NIF_TERM value) -> ValueRef {
    ErlNifSInt64 integer;
    double real;
    ErlNifBinary bytes;
    int arity;
    const ERL_NIF_TERM* elements;
    if (enif_get_int64(env, value, &integer) != 0) return ValueRef(static_cast<std::int64_t>(integer));
    if (enif_inspect_binary(env, value, &bytes) != 0) {
      const std::string_view text(reinterpret_cast<const char*>(bytes.data), bytes.size);
      if (is_utf8(text)) return ValueRef(text);
      return ValueRef(std::as_bytes(std::span(text)));
    }
    if (enif_get_double(env, value, &real) != 0) return ValueRef(real);
    if (is_atom(env, value, "nil")) return ValueRef();
    if (is_atom(env, value, "true")) return ValueRef(std::int64_t{1});
    if (is_atom(env, value, "false")) return ValueRef(std::int64_t{0});
    if (enif_get_tuple(env, value, &arity, &elements) != 0 && arity == 2 && is_atom(env, elements[0], "blob")) {
      if (enif_inspect_binary(env, elements[1], &bytes) != 0) {
        return ValueRef(std::as_bytes(std::span(reinterpret_cast<const char*>(bytes.data), bytes.size)));
      }
      std::string blob;
      ERL_NIF_TERM head, tail = elements[1];
      while (enif_get_list_cell(env, tail, &head, &tail) != 0) {
        unsigned byte;
        if (enif_get_uint(env, head, &byte) == 0 || byte > 255) throw UnsupportedArgument{value};
        blob += static_cast<char>(byte);
      }
      if (enif_is_empty_list(env, tail) == 0) throw UnsupportedArgument{value};
      owned_.push_back(std::move(blob));
      return ValueRef(std::as_bytes(std::span(owned_.back())));
    }
    throw UnsupportedArgument{value};
  };
  // Room for every blob that a list may become: views of short strings would move with them.
  const auto reserve = [&](ERL_NIF_TERM values) {
    unsigned count = 0;
    if (enif_get_list_length(env, values, &count) == 0) throw BadTerm{};
    owned_.reserve(count);
    return count;
  };
  if (enif_is_list(env, term) != 0) {
    positional_.reserve(reserve(term));
    for_each(env, term, [&](ERL_NIF_TERM value) { positional_.push_back(value_of(value)); });
    return;
  }
  const auto tagged = tuple_of(env, term);
  if (tagged.size() != 2 || !is_atom(env, tagged[0], "named")) throw BadTerm{};
  by_name_ = true;
  named_.reserve(reserve(tagged[1]));
  for_each(env, tagged[1], [&](ERL_NIF_TERM pair) {
    const auto parts = tuple_of(env, pair);
    if (parts.size() != 2) throw BadTerm{};
    named_.emplace_back(text_of(env, parts[0]), value_of(parts[1]));
  });
}

void TermSink::columns(std::span<const Column> columns) {
  has_columns_ = true;
  for (const Column& column : columns) names_.push_back(binary(env_, column.name));
}

std::size_t TermSink::row(std::span<const ValueRef> cells) {
  std::size_t bytes = 0;
  cells_.clear();
  for (const ValueRef& cell : cells) {
    cells_.push_back(term_of(env_, cell));
    const bool long_value = cell.type() == ValueType::Text || cell.type() == ValueType::Blob;
    bytes += 16 + (long_value ? cell.size() : 0);
  }
  rows_.push_back(list(env_, cells_));
  return bytes;
}

ERL_NIF_TERM TermSink::names() const { return has_columns_ ? list(env_, names_) : atom(env_, "nil"); }

ERL_NIF_TERM error_term(ErlNifEnv* env, bool in_transaction) noexcept {
  ERL_NIF_TERM reason;
  try {
    try {
      throw;
    } catch (const Error& error) {
      reason = describe(env, error, in_transaction);
    } catch (const UnknownHandle& unknown) {
      reason = enif_make_tuple2(env, atom(env, "not_found"), binary(env, unknown.what));
    } catch (const ForeignHandle& foreign) {
      reason = enif_make_tuple2(env, atom(env, "foreign"), binary(env, foreign.what));
    } catch (const BadNames& names) {
      reason = enif_make_tuple2(env, atom(env, "argument"), binary(env, names.message));
    } catch (const UnsupportedArgument& argument) {
      reason = enif_make_tuple2(env, atom(env, "unsupported_argument"), argument.term);
    } catch (const BadTerm&) {
      reason = atom(env, "badarg");
    } catch (const std::bad_alloc&) {
      reason = plain(env, "no_memory", "out of memory", in_transaction);
    } catch (const std::exception& error) {
      reason = plain(env, "internal", error.what(), in_transaction);
    }
  } catch (...) {
    reason = atom(env, "internal");
  }
  return enif_make_tuple2(env, atom(env, "error"), reason);
}

OpenOptions open_options(ErlNifEnv* env, ERL_NIF_TERM map) {
  OpenOptions options;
  const auto text = [&](const char* key, std::string& into) {
    if (const auto term = get(env, map, key)) into = text_of(env, *term);
  };
  const auto flag = [&](const char* key, bool& into) {
    if (const auto term = get(env, map, key)) into = is_atom(env, *term, "true");
  };
  const auto texts = [&](const char* key, std::vector<std::string>& into) {
    if (const auto term = get(env, map, key)) {
      for_each(env, *term, [&](ERL_NIF_TERM item) { into.emplace_back(text_of(env, item)); });
    }
  };
  flag("remote", options.remote);
  flag("replica", options.replica);
  flag("read_your_writes", options.read_your_writes);
  if (const auto term = get(env, map, "sync_interval")) {
    options.sync_interval = std::chrono::milliseconds(integer_of(env, *term));
  }
  text("database", options.database);
  text("uri", options.uri);
  text("auth_token", options.auth_token);
  text("namespace", options.name_space);
  text("remote_encryption_key", options.remote_encryption_key);
  text("cacertfile", options.ca_file);
  flag("accept_any_certificate", options.accept_any_certificate);
  text("vfs", options.vfs);
  flag("mvcc", options.writers_in_line);
  flag("double_quoted_strings", options.double_quoted_strings);
  if (const auto key = get(env, map, "encryption_key")) {
    const auto cipher = get(env, map, "cipher");
    options.encryption = Encryption(text_of(env, *key), cipher ? text_of(env, *cipher) : "aes256cbc");
  }
  if (const auto term = get(env, map, "busy_timeout")) {
    options.busy_timeout = std::chrono::milliseconds(integer_of(env, *term));
  }
  if (const auto term = get(env, map, "statement_cache_bytes")) {
    options.statement_cache_bytes = static_cast<std::size_t>(integer_of(env, *term));
  }
  if (const auto term = get(env, map, "open_mode")) {
    options.open_mode = is_atom(env, *term, "readonly")    ? OpenMode::ReadOnly
                        : is_atom(env, *term, "readwrite") ? OpenMode::ReadWrite
                                                           : OpenMode::ReadWriteCreate;
  }
  if (const auto term = get(env, map, "pragmas")) {
    for_each(env, *term, [&](ERL_NIF_TERM pair) {
      const auto parts = tuple_of(env, pair);
      if (parts.size() != 2) throw BadTerm{};
      options.pragmas.emplace_back(text_of(env, parts[0]), setting_of(env, parts[1]));
    });
  }
  texts("load_extensions", options.extensions);
  texts("extension_directories", options.extension_directories);
  return options;
}

}  // namespace libsql::beam
