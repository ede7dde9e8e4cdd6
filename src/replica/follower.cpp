#include "replica/follower.hpp"

#include <string_view>

namespace libsql::replica {

std::string_view to_string(Repair::Kind kind) noexcept {
  switch (kind) {
    case Repair::Kind::MetadataMissing:
      return "metadata-missing";
    case Repair::Kind::MetadataDamaged:
      return "metadata-damaged";
    case Repair::Kind::DatabaseMissing:
      return "database-missing";
    case Repair::Kind::DatabaseDamaged:
      return "database-damaged";
    case Repair::Kind::ForeignWrite:
      return "foreign-write";
    case Repair::Kind::OtherLog:
      return "other-log";
    case Repair::Kind::PrimaryWentBack:
      return "primary-went-back";
    case Repair::Kind::HistoryDiverged:
      return "history-diverged";
  }
  return "unknown";
}

std::string_view to_string(Health::State state) noexcept {
  switch (state) {
    case Health::State::Empty:
      return "empty";
    case Health::State::Following:
      return "following";
    case Health::State::Failing:
      return "failing";
    case Health::State::Frozen:
      return "frozen";
  }
  return "unknown";
}

}  // namespace libsql::replica
