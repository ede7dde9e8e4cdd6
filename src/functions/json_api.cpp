// The public JSON helpers. The parser is nlohmann's; it stays inside this file.
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include <libsql/json.hpp>
#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "core/json_text.hpp"

namespace libsql {

namespace json {

namespace {

using Node = nlohmann::ordered_json;

constexpr std::size_t kMaxDepth = 1000;  // https://www.sqlite.org/json1.html: deeper JSON is malformed to SQLite

void append_quoted(std::string& out, std::string_view text) {
  if (core::append_json_text(text, out, core::OnInvalid::Stop)) return;
  core::throw_error(ErrorCode::OutOfRange, "json: text that is not UTF-8 has no JSON form");
}

template <class T>
void append_number(std::string& out, T number) {
  char digits[32];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

/// Refused before parsing, because what handles a value later goes down into it by recursion.
void check_depth(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) {
        core::throw_error(ErrorCode::TypeMismatch, "json: nested deeper than 1000 levels at byte " + std::to_string(i));
      }
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
}

const char* kind_name(Kind kind) noexcept {
  switch (kind) {
    case Kind::Null:
      return "null";
    case Kind::Boolean:
      return "a boolean";
    case Kind::Integer:
      return "an integer";
    case Kind::Real:
      return "a real number";
    case Kind::String:
      return "a string";
    case Kind::Array:
      return "an array";
    case Kind::Object:
      return "an object";
  }
  return "unknown";
}

[[noreturn]] void throw_kind(Kind actual, Kind wanted) {
  core::throw_error(ErrorCode::TypeMismatch,
                    std::string("json: the value is ") + kind_name(actual) + ", not " + kind_name(wanted));
}

const Node& node_of(const std::shared_ptr<const void>& node) noexcept { return *static_cast<const Node*>(node.get()); }

std::shared_ptr<const void> null_node() {
  static const auto node = std::make_shared<const Node>();
  return node;
}

[[noreturn]] void misuse(const char* what) { core::throw_error(ErrorCode::Misuse, std::string("json: ") + what); }

}  // namespace

std::string quote(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

Path& Path::key(std::string_view name) {
  const std::string quoted = quote(name);  // may throw
  text_ += '.';
  text_ += quoted;
  steps_.emplace_back(std::string(name));
  return *this;
}

Path& Path::index(std::size_t position) {
  text_ += '[';
  append_number(text_, position);
  text_ += ']';
  steps_.emplace_back(position);
  return *this;
}

Path& Path::from_end(std::size_t distance) {
  text_ += "[#";
  if (distance > 0) {
    text_ += '-';
    append_number(text_, distance);
  }
  text_ += ']';
  steps_.emplace_back(FromEnd{distance});
  return *this;
}

Value::Value() : node_(null_node()) {}
Value::Value(std::shared_ptr<const void> node) noexcept : node_(std::move(node)) {}

Value Value::parse(std::string_view text) {
  check_depth(text);
  try {
    return Value(std::make_shared<const Node>(Node::parse(text)));
  } catch (const Node::parse_error& failure) {
    core::throw_error(ErrorCode::TypeMismatch,
                      "json: malformed at byte " + std::to_string(failure.byte > 0 ? failure.byte - 1 : 0));
  } catch (const Node::out_of_range&) {
    core::throw_error(ErrorCode::TypeMismatch, "json: a number is out of range");
  }
}

Kind Value::kind() const noexcept {
  const Node& node = node_of(node_);
  switch (node.type()) {
    case Node::value_t::boolean:
      return Kind::Boolean;
    case Node::value_t::number_integer:
      return Kind::Integer;
    case Node::value_t::number_unsigned:
      return node.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
                 ? Kind::Integer
                 : Kind::Real;
    case Node::value_t::number_float:
      return Kind::Real;
    case Node::value_t::string:
      return Kind::String;
    case Node::value_t::array:
      return Kind::Array;
    case Node::value_t::object:
      return Kind::Object;
    default:
      return Kind::Null;
  }
}

bool Value::boolean() const {
  if (kind() != Kind::Boolean) throw_kind(kind(), Kind::Boolean);
  return node_of(node_).get<bool>();
}

std::int64_t Value::integer() const {
  if (kind() != Kind::Integer) throw_kind(kind(), Kind::Integer);
  return node_of(node_).get<std::int64_t>();
}

double Value::real() const {
  if (kind() != Kind::Real && kind() != Kind::Integer) throw_kind(kind(), Kind::Real);
  return node_of(node_).get<double>();
}

std::string_view Value::string() const {
  if (kind() != Kind::String) throw_kind(kind(), Kind::String);
  return node_of(node_).get_ref<const std::string&>();
}

std::size_t Value::size() const noexcept {
  const Node& node = node_of(node_);
  return node.is_structured() ? node.size() : 0;
}

Value Value::operator[](std::size_t position) const {
  if (kind() != Kind::Array) throw_kind(kind(), Kind::Array);
  const Node& node = node_of(node_);
  if (position >= node.size()) {
    core::throw_error(ErrorCode::OutOfRange, "json: no element " + std::to_string(position) + " in an array of " +
                                                 std::to_string(node.size()));
  }
  return Value(std::shared_ptr<const void>(node_, &node[position]));
}

Value Value::operator[](std::string_view key) const {
  if (kind() != Kind::Object) throw_kind(kind(), Kind::Object);
  if (auto member = find(key)) return *std::move(member);
  core::throw_error(ErrorCode::OutOfRange, "json: no member '" + std::string(key) + "'");
}

std::optional<Value> Value::find(std::string_view key) const {
  const Node& node = node_of(node_);
  if (!node.is_object()) return std::nullopt;
  const auto member = node.find(std::string(key));
  if (member == node.end()) return std::nullopt;
  return Value(std::shared_ptr<const void>(node_, &*member));
}

std::optional<Value> Value::find(const Path& path) const {
  std::optional<Value> current = *this;
  for (const Path::Step& step : path.steps()) {
    if (const auto* key = std::get_if<std::string>(&step)) {
      current = current->find(std::string_view(*key));
    } else if (current->kind() != Kind::Array) {
      current.reset();
    } else {
      const std::size_t size = current->size();
      const auto* from_end = std::get_if<Path::FromEnd>(&step);
      // Beyond either end, the position is one that no array has.
      const std::size_t position = from_end == nullptr          ? std::get<std::size_t>(step)
                                   : from_end->distance <= size ? size - from_end->distance
                                                                : size;
      current = position < size ? std::optional((*current)[position]) : std::nullopt;
    }
    if (!current) break;
  }
  return current;
}

std::vector<Value> Value::elements() const {
  if (kind() != Kind::Array) throw_kind(kind(), Kind::Array);
  std::vector<Value> all;
  all.reserve(size());
  for (const Node& element : node_of(node_)) all.push_back(Value(std::shared_ptr<const void>(node_, &element)));
  return all;
}

std::vector<std::pair<std::string_view, Value>> Value::members() const {
  if (kind() != Kind::Object) throw_kind(kind(), Kind::Object);
  std::vector<std::pair<std::string_view, Value>> all;
  all.reserve(size());
  for (const auto& [name, value] : node_of(node_).items()) {
    all.emplace_back(name, Value(std::shared_ptr<const void>(node_, &value)));
  }
  return all;
}

std::string Value::to_string() const { return node_of(node_).dump(-1, ' ', false, Node::error_handler_t::replace); }

void Writer::before_value() {
  if (open_.empty()) {
    if (!text_.empty()) misuse("a second document");
  } else if (open_.back() == '{') {
    if (!expects_value_) misuse("a value without a key in an object");
    expects_value_ = false;
  } else if (!first_) {
    text_ += ',';
  }
  first_ = false;
}

Writer& Writer::open(char bracket) {
  before_value();
  text_ += bracket;
  open_ += bracket;
  first_ = true;
  return *this;
}

Writer& Writer::close(char bracket) {
  const char opened = bracket == '}' ? '{' : '[';
  if (open_.empty() || open_.back() != opened) misuse("an end without its beginning");
  if (expects_value_) misuse("a key without a value");
  text_ += bracket;
  open_.pop_back();
  first_ = false;
  return *this;
}

Writer& Writer::begin_object() { return open('{'); }
Writer& Writer::end_object() { return close('}'); }
Writer& Writer::begin_array() { return open('['); }
Writer& Writer::end_array() { return close(']'); }

Writer& Writer::key(std::string_view name) {
  if (open_.empty() || open_.back() != '{') misuse("a key outside an object");
  if (expects_value_) misuse("two keys in a row");
  const std::string quoted = quote(name);  // may throw
  if (!first_) text_ += ',';
  text_ += quoted;
  text_ += ':';
  expects_value_ = true;
  return *this;
}

Writer& Writer::raw(std::string_view json) {
  if (json.empty()) misuse("empty text is not JSON");
  before_value();
  text_ += json;
  return *this;
}

Writer& Writer::value(std::nullptr_t) { return raw("null"); }
Writer& Writer::value(const Value& value) { return raw(value.to_string()); }

Writer& Writer::value(std::string_view text) { return raw(quote(text)); }

Writer& Writer::value(double number) {
  if (!std::isfinite(number)) core::throw_error(ErrorCode::OutOfRange, "json: infinity and NaN have no JSON form");
  before_value();
  const std::size_t begin = text_.size();
  append_number(text_, number);
  // A real number stays one when it is read back.
  if (text_.find_first_of(".e", begin) == std::string::npos) text_ += ".0";
  return *this;
}

Writer& Writer::integer(std::int64_t number) {
  before_value();
  append_number(text_, number);
  return *this;
}

Writer& Writer::unsigned_integer(std::uint64_t number) {
  before_value();
  append_number(text_, number);
  return *this;
}

const std::string& Writer::str() const {
  if (!open_.empty() || text_.empty()) misuse("the document is not complete");
  return text_;
}

}  // namespace json

std::string Convert<json::Value>::to_value(const json::Value& value) { return value.to_string(); }

json::Value Convert<json::Value>::from_value(ValueRef value) {
  if (value.type() != ValueType::Text) detail::throw_type_mismatch(value.type(), "JSON text");
  return json::Value::parse(value.text());
}

}  // namespace libsql
