// The token by which the client of an HTTP stream names the stream and its position in it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace libsql::server {

struct Baton {
  std::uint64_t stream = 0;
  std::uint64_t sequence = 0;
  /// Nothing is lost with the stream but changes() and last_insert_rowid(): a baton of one that has ended begins anew.
  bool is_replaceable = false;
  /// Another process has signed it: it stands for no stream here. Replaceable ones only.
  bool is_foreign = false;
};

/// Signs batons with a key that lives as long as the process. A baton is good for one namespace and one identity.
/// Replaceable ones carry a second code without a secret, by which any other server, or this one after it was started
/// anew, knows them: such a baton lets its bearer do what a request without any baton may do.
/// Threads: all members may be called by several at once.
class BatonSigner {
 public:
  BatonSigner();

  std::string sign(const Baton& baton, std::string_view name_space, std::string_view binding) const;
  /// None for anything that sign() did not make with the same arguments.
  std::optional<Baton> verify(std::string_view text, std::string_view name_space, std::string_view binding) const;

  /// Of a stream that nobody knows yet.
  static Baton random_place();

 private:
  using Key = std::array<std::byte, 32>;
  using Mac = std::array<std::byte, 32>;
  static Mac mac(const Key& key, std::span<const std::byte> head, std::string_view name_space,
                 std::string_view binding);

  Key key_;
};

}  // namespace libsql::server
