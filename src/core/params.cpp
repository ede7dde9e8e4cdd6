#include <libsql/params.hpp>

namespace libsql {

Params::Params() = default;
Params::Params(std::initializer_list<NamedValue> named) : named_(named) {}
Params::Params(const Params&) = default;
Params::Params(Params&&) noexcept = default;
Params& Params::operator=(const Params&) = default;
Params& Params::operator=(Params&&) noexcept = default;
Params::~Params() = default;

Params& Params::add_all(const Params& other) {
  if (&other == this) return add_all(Params(other));
  positional_.insert(positional_.end(), other.positional_.begin(), other.positional_.end());
  named_.insert(named_.end(), other.named_.begin(), other.named_.end());
  return *this;
}

Params& Params::add_value(Value value) {
  positional_.push_back(std::move(value));
  return *this;
}

Params& Params::add_named(std::string_view name, Value value) {
  named_.push_back({std::string(name), std::move(value)});
  return *this;
}

void Params::clear() noexcept {
  positional_.clear();
  named_.clear();
}

namespace detail {

ParamsRefs::ParamsRefs(const Params& params) {
  positional_.reserve(params.positional().size());
  for (const Value& value : params.positional()) positional_.push_back(value.ref());
  named_.reserve(params.named().size());
  for (const auto& [name, value] : params.named()) named_.push_back({name, value.ref()});
}

}  // namespace detail
}  // namespace libsql
