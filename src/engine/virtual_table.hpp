// Virtual tables written in C++, registered with the engine.
#pragma once

#include <string_view>

#include <libsql/virtual_table.hpp>

#include "engine/connection.hpp"

namespace libsql::engine {

enum class TableAccess : std::uint8_t { ReadOnly, Writable };

void add_module(Connection& connection, std::string_view name, VirtualTables::Factory make, ModuleKind kind,
                TableAccess access);
void remove_module(Connection& connection, std::string_view name);

}  // namespace libsql::engine
