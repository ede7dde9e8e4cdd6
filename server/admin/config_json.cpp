#include "server/admin/config_json.hpp"

#include <array>
#include <chrono>
#include <nlohmann/json.hpp>

#include "server/admin/admin_error.hpp"
#include "server/auth/public_keys.hpp"
#include "server/config/values.hpp"

namespace libsql::server {
namespace {

using Json = nlohmann::json;

// Reported for a database without a limit: 10^18 bytes.
constexpr std::string_view kNoSizeLimit = "1000.0 PB";

// With one decimal, as existing programs expect, if that is exact; otherwise in bytes, so that sending it back changes
// nothing.
std::string size_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"KB", "MB", "GB", "TB", "PB"};
  std::string text = std::to_string(bytes) + " B";
  std::uint64_t tenth = 100;
  for (const std::string_view unit : kUnits) {
    if (bytes < tenth * 10 || bytes % tenth != 0) break;
    const std::uint64_t tenths = bytes / tenth;
    text = std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " " + std::string(unit);
    tenth *= 1000;
  }
  return text;
}

Json parse_object(std::string_view body) {
  Json object = Json::parse(body, nullptr, false);
  if (object.is_discarded()) throw AdminError("The body is not JSON");
  if (!object.is_object()) throw AdminError("The body is not a JSON object");
  return object;
}

// Null if the member is missing or null.
const Json* member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

[[noreturn]] void refuse(const char* name, const char* wanted) {
  throw AdminError(std::string("`") + name + "` is not " + wanted);
}

bool switch_in(const Json& object, const char* name, bool otherwise) {
  const Json* const found = member(object, name);
  if (found == nullptr) return otherwise;
  if (!found->is_boolean()) refuse(name, "true or false");
  return found->get<bool>();
}

bool mandatory_switch(const Json& object, const char* name) {
  if (member(object, name) == nullptr) throw AdminError(std::string("`") + name + "` is missing");
  return switch_in(object, name, false);
}

std::optional<std::string> text_in(const Json& object, const char* name) {
  const Json* const found = member(object, name);
  if (found == nullptr) return std::nullopt;
  if (!found->is_string()) refuse(name, "a text");
  return found->get<std::string>();
}

std::optional<std::uint64_t> number_in(const Json& object, const char* name) {
  const Json* const found = member(object, name);
  if (found == nullptr) return std::nullopt;
  if (!found->is_number_unsigned()) refuse(name, "a number");
  return found->get<std::uint64_t>();
}

// "5GB", "5.5 GB", or a number of bytes.
std::optional<std::uint64_t> size_in(const Json& object, const char* name) {
  const Json* const found = member(object, name);
  if (found == nullptr || *found == kNoSizeLimit) return std::nullopt;
  if (found->is_number()) return number_in(object, name);
  std::string text = text_in(object, name).value();
  std::erase(text, ' ');
  const std::size_t point = text.find('.');
  const bool has_tenths =
      point != std::string::npos && point + 1 < text.size() && text[point + 1] >= '0' && text[point + 1] <= '9';
  if (has_tenths) text.erase(point, 1);
  try {
    return parse_size(text) / (has_tenths ? 10 : 1);
  } catch (const std::exception&) {
    refuse(name, "a size, such as \"5GB\"");
  }
}

std::string key_in(const Json& object) {
  const std::string key = text_in(object, "jwt_key").value_or("");
  if (key.empty()) return key;
  try {
    static_cast<void>(PublicKeys::parse(key));
  } catch (const KeyError& error) {
    throw AdminError(std::string("`jwt_key`: ") + error.what());
  }
  return key;
}

std::optional<Durability> durability_in(const Json& object) {
  const auto name = text_in(object, "durability_mode");
  if (!name) return std::nullopt;
  const auto durability = durability_of(*name);
  if (!durability) refuse("durability_mode", "\"relaxed\", \"strong\", \"extra\" or \"off\"");
  return durability;
}

// Members that this server does not support. If they were silently accepted, clients would rely on them.
void refuse_members(const Json& object, std::initializer_list<const char*> names) {
  for (const char* const name : names) {
    const Json* const found = member(object, name);
    if (found == nullptr || *found == false || *found == "") continue;
    throw AdminError(std::string("`") + name + "`: this server does not support that");
  }
}

void read_common(const Json& object, NamespaceConfig& config) {
  refuse_members(object, {"heartbeat_url", "bottomless_db_id", "shared_schema", "shared_schema_name"});
  if (const auto size = size_in(object, "max_db_size")) config.max_db_size = size;
  config.allow_attach = switch_in(object, "allow_attach", false);
  config.jwt_key = key_in(object);
  const auto timeout = number_in(object, "txn_timeout_s");
  if (timeout > 86'400u) refuse("txn_timeout_s", "a number of seconds up to a day");
  config.txn_timeout = timeout ? std::optional(std::chrono::seconds(*timeout)) : std::nullopt;
  if (const auto durability = durability_in(object)) config.durability = durability;
  if (const auto size = size_in(object, "max_row_size")) config.max_row_size = size;
  if (object.contains("offline_sync")) {  // null: as the server says
    const bool says = member(object, "offline_sync") != nullptr;
    config.offline_sync = says ? std::optional(switch_in(object, "offline_sync", false)) : std::nullopt;
  }
}

}  // namespace

std::string config_to_json(const NamespaceConfig& config) {
  const auto or_null = [](const auto& value) { return value ? Json(*value) : Json(); };
  return Json{{"block_reads", config.block_reads},
              {"block_writes", config.block_writes},
              {"block_reason", or_null(config.block_reason)},
              {"max_db_size", config.max_db_size ? size_text(*config.max_db_size) : std::string(kNoSizeLimit)},
              {"heartbeat_url", Json()},
              {"jwt_key", config.jwt_key.empty() ? Json() : Json(config.jwt_key)},
              {"allow_attach", config.allow_attach},
              {"offline_sync", or_null(config.offline_sync)},
              {"txn_timeout_s", config.txn_timeout ? Json(config.txn_timeout->count()) : Json()},
              {"durability_mode", to_string(config.durability.value_or(Durability::Relaxed))}}
      .dump();
}

NamespaceConfig config_from_json(std::string_view body, const NamespaceConfig& current) {
  const Json object = parse_object(body);
  NamespaceConfig config = current;
  config.block_reads = mandatory_switch(object, "block_reads");
  config.block_writes = mandatory_switch(object, "block_writes");
  config.block_reason = text_in(object, "block_reason");
  read_common(object, config);
  return config;
}

CreateRequest create_request_from_json(std::string_view body) {
  CreateRequest request;
  if (body.empty()) return request;
  const Json object = parse_object(body);
  read_common(object, request.config);
  request.dump_url = text_in(object, "dump_url").value_or("");
  return request;
}

}  // namespace libsql::server
