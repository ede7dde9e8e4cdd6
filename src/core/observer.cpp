#include "core/observer.hpp"

#include <algorithm>

namespace libsql::core {

void ObserverList::add(std::shared_ptr<StatementObserver> observer, ObserverLife life) {
  entries_.push_back({std::move(observer), life});
  note_change();
}

void ObserverList::remove(const StatementObserver* observer) noexcept {
  for (Entry& entry : entries_) {
    if (entry.observer.get() == observer) entry.observer.reset();
  }
  note_change();
}

void ObserverList::end_until_reset() noexcept {
  for (Entry& entry : entries_) {
    if (entry.life == ObserverLife::UntilReset) entry.observer.reset();
  }
  note_change();
}

void ObserverList::note_change() noexcept {
  has_changed_ = notifying_ != 0;
  if (has_changed_) return;
  std::erase_if(entries_, [](const Entry& entry) { return entry.observer == nullptr; });
  if (changed_) changed_();
}

bool ObserverList::has_until_reset() const noexcept {
  return std::any_of(entries_.begin(), entries_.end(), [](const Entry& entry) {
    return entry.observer != nullptr && entry.life == ObserverLife::UntilReset;
  });
}

bool ObserverList::wants_rows_scanned() const noexcept {
  return std::any_of(entries_.begin(), entries_.end(), [](const Entry& entry) {
    return entry.observer != nullptr && entry.observer->wants_rows_scanned();
  });
}

template <class Tell>
void ObserverList::notify(Tell&& tell) noexcept {
  ++notifying_;
  for (std::size_t i = 0; i < entries_.size(); ++i) {  // by number: an observer may add another
    if (const std::shared_ptr<StatementObserver> observer = entries_[i].observer) tell(*observer);
  }
  if (--notifying_ == 0 && has_changed_) note_change();
}

void ObserverList::started(const void* run, const detail::ParamsView& params) noexcept {
  notify([&](StatementObserver& observer) { observer.started(run, params); });
}
void ObserverList::finished(const void* run, const StatementRun& ended) noexcept {
  notify([&](StatementObserver& observer) { observer.finished(run, ended); });
}
void ObserverList::refused(std::string_view sql, const Error& error) noexcept {
  notify([&](StatementObserver& observer) { observer.refused(sql, error); });
}

}  // namespace libsql::core
