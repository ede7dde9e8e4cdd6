#include <libsql/virtual_table.hpp>

#include "api/access.hpp"
#include "engine/virtual_table.hpp"

namespace libsql {

namespace {
engine::Connection& connection_of(const std::shared_ptr<core::Session>& session) {
  return detail::Access::engine(session, core::Feature::VirtualTables);
}
}  // namespace

VirtualTables::VirtualTables(const Connection& connection) : session_(detail::Access::session(connection)) {
  connection_of(session_);
}
VirtualTables::VirtualTables(const VirtualTables&) noexcept = default;
VirtualTables::VirtualTables(VirtualTables&&) noexcept = default;
VirtualTables& VirtualTables::operator=(const VirtualTables&) noexcept = default;
VirtualTables& VirtualTables::operator=(VirtualTables&&) noexcept = default;
VirtualTables::~VirtualTables() = default;

void VirtualTables::module(std::string_view name, Factory make, ModuleKind kind) {
  engine::add_module(connection_of(session_), name, std::move(make), kind, engine::TableAccess::ReadOnly);
}
void VirtualTables::writable_module(std::string_view name, WritableFactory make, ModuleKind kind) {
  Factory factory;
  if (make) {
    factory = [make = std::move(make)](const TableRequest& request) -> std::unique_ptr<VirtualTable> {
      return make(request);
    };
  }
  engine::add_module(connection_of(session_), name, std::move(factory), kind, engine::TableAccess::Writable);
}
void VirtualTables::remove(std::string_view name) { engine::remove_module(connection_of(session_), name); }

}  // namespace libsql
