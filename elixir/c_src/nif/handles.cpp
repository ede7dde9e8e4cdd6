#include "elixir/c_src/nif/handles.hpp"

#include <array>
#include <cstring>
#include <new>
#include <random>
#include <string>

#include "elixir/c_src/core/session.hpp"

namespace libsql::beam {

namespace {

constexpr std::array<std::string_view, 4> kNames{"connection", "transaction", "statement", "cursor"};
constexpr std::string_view kPrefix = "ecto_libsql-";
// With a name of at least six letters all handles are longer than 64 bytes: shorter binaries are copied by OTP 27 and
// later, and what the original names would end with it.
constexpr std::size_t kSecretSize = 32;

ErlNifResourceType* handle_type = nullptr;

void append_hex(std::string& text, std::uint64_t number) {
  for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[number >> shift & 15];
}

const std::string& secret() {
  static const std::string* const text = [] {
    auto* made = new std::string;
    std::random_device random;
    while (made->size() < kSecretSize) {
      append_hex(*made, static_cast<std::uint64_t>(random()) << 32 | static_cast<std::uint64_t>(random()));
    }
    return made;
  }();
  return *text;
}

std::optional<std::uint64_t> read_hex(std::string_view text) {
  std::uint64_t number = 0;
  for (const char c : text) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return std::nullopt;
    number = number << 4 | static_cast<std::uint64_t>(digit);
  }
  return number;
}

/// Ends a statement, transaction or cursor whose handle is gone.
class Drop final : public Job {
 public:
  explicit Drop(std::uint64_t id) noexcept : id_(id) {}
  void run(Session& session) noexcept override { session.drop(id_); }
  void answer() noexcept override {}
  void refuse(Refusal) noexcept override {}

 private:
  std::uint64_t id_;
};

struct Owner {
  Handle handle;
  std::size_t size;
  char text[128];
};

void drop_owner(ErlNifEnv*, void* object) {
  const Owner& owner = *static_cast<Owner*>(object);
  try {
    if (owner.handle.kind == HandleKind::Connection) {
      if (const auto worker = Registry::instance().take(owner.handle.connection)) worker->close();
    } else if (const auto worker = Registry::instance().find(owner.handle.connection)) {
      worker->post_first(std::make_unique<Drop>(owner.handle.id));
    }
  } catch (const std::bad_alloc&) {
    // It ends with its connection.
  }
}

}  // namespace

bool open_handle_type(ErlNifEnv* env) {
  handle_type =
      enif_open_resource_type(env, nullptr, "ecto_libsql_handle", drop_owner,
                              static_cast<ErlNifResourceFlags>(ERL_NIF_RT_CREATE | ERL_NIF_RT_TAKEOVER), nullptr);
  return handle_type != nullptr;
}

ERL_NIF_TERM make_handle(ErlNifEnv* env, const Handle& handle) {
  std::string text(kPrefix);
  text.append(kNames[static_cast<std::size_t>(handle.kind)]).append("-");
  append_hex(text, handle.connection);
  append_hex(text, handle.id);
  text.append("-").append(secret());
  auto* const owner = static_cast<Owner*>(enif_alloc_resource(handle_type, sizeof(Owner)));
  owner->handle = handle;
  owner->size = text.size();
  static_assert(sizeof(Owner::text) >= kPrefix.size() + 11 + 1 + 32 + 1 + kSecretSize);
  std::memcpy(owner->text, text.data(), text.size());
  const ERL_NIF_TERM term = enif_make_resource_binary(env, owner, owner->text, owner->size);
  enif_release_resource(owner);
  return term;
}

std::optional<Handle> read_handle(std::string_view text) {
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos || text.size() != dash + 1 + 32 + 1 + kSecretSize) return std::nullopt;
  if (text.substr(dash + 34) != secret()) return std::nullopt;
  const auto connection = read_hex(text.substr(dash + 1, 16)), id = read_hex(text.substr(dash + 17, 16));
  if (!connection || !id) return std::nullopt;
  for (std::size_t kind = 0; kind < kNames.size(); ++kind) {
    if (text.substr(0, dash) == kNames[kind]) return Handle{static_cast<HandleKind>(kind), *connection, *id};
  }
  return std::nullopt;
}

}  // namespace libsql::beam
