#include <libsql/blob.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <streambuf>
#include <string>
#include <utility>

#include "api/access.hpp"
#include "engine/blob.hpp"
#include "engine/connection.hpp"

namespace libsql {

class BlobHandle::Impl {
 public:
  Impl(std::shared_ptr<core::Session> session, const BlobLocation& location, BlobMode mode)
      : session_(std::move(session)),
        connection_(detail::Access::engine(
            session_, mode == BlobMode::ReadWrite ? core::Feature::BlobWrite : core::Feature::BlobRead)) {
    blob_.emplace(connection_,
                  engine::BlobPlace{std::string(location.schema), std::string(location.table),
                                    std::string(location.column), location.rowid, mode == BlobMode::ReadWrite});
    cleanup_ = connection_.on_reset([this] { blob_.reset(); },
                                    "the blob " + std::string(location.table) + "." + std::string(location.column));
  }
  ~Impl() { connection_.cancel_cleanup(cleanup_); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  engine::Blob& require() {
    connection_.require_open();
    if (!blob_) core::throw_error(ErrorCode::Misuse, "the connection was reset, which closed its blobs");
    return *blob_;
  }
  const engine::Blob* state() const noexcept { return blob_ ? &*blob_ : nullptr; }

  void close() {
    if (!blob_) return;
    connection_.cancel_cleanup(std::exchange(cleanup_, 0));
    blob_->close();
  }
  void reopen(std::int64_t rowid) {
    engine::Blob& blob = require();
    blob.reopen(rowid);
    if (cleanup_ != 0) return;
    cleanup_ =
        connection_.on_reset([this] { blob_.reset(); }, "the blob " + blob.place().table + "." + blob.place().column);
  }

 private:
  std::shared_ptr<core::Session> session_;
  engine::Connection& connection_;
  std::optional<engine::Blob> blob_;
  int cleanup_ = 0;
};

namespace {

template <class Impl>
Impl& require(const std::unique_ptr<Impl>& impl) {
  if (impl == nullptr) core::throw_error(ErrorCode::Misuse, "the object was moved from");
  return *impl;
}

}  // namespace

BlobHandle::BlobHandle(const Connection& connection, const BlobLocation& location, BlobMode mode)
    : impl_(std::make_unique<Impl>(detail::Access::session(connection), location, mode)) {}
BlobHandle::BlobHandle(BlobHandle&&) noexcept = default;
BlobHandle& BlobHandle::operator=(BlobHandle&&) noexcept = default;
BlobHandle::~BlobHandle() = default;

std::uint64_t BlobHandle::size() const noexcept {
  return impl_ == nullptr || impl_->state() == nullptr ? 0 : impl_->state()->size();
}
std::int64_t BlobHandle::rowid() const noexcept {
  return impl_ == nullptr || impl_->state() == nullptr ? 0 : impl_->state()->place().rowid;
}
void BlobHandle::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  require(impl_).require().read(offset, out);
}
Blob BlobHandle::read_at(std::uint64_t offset, std::size_t count) const {
  engine::Blob& blob = require(impl_).require();
  // Asked for more than there is, the range fails below; nothing of that size is allocated before.
  Blob bytes(count <= blob.size() ? count : 1);
  blob.read(count <= blob.size() ? offset : blob.size() + 1, bytes);
  return bytes;
}
Blob BlobHandle::read_all() const { return read_at(0, size()); }
void BlobHandle::write_at(std::uint64_t offset, BlobView data) { require(impl_).require().write(offset, data); }
void BlobHandle::reopen(std::int64_t rowid) { require(impl_).reopen(rowid); }
void BlobHandle::close() { require(impl_).close(); }

// One window of the value, which is being either read or written.
class BlobStream::Buffer final : public std::streambuf {
 public:
  explicit Buffer(BlobHandle blob) : blob_(std::move(blob)) {}
  ~Buffer() override {
    try {
      flush();
    } catch (...) {  // the destructor's caller was told to call close()
    }
  }

  BlobHandle& handle() noexcept { return blob_; }
  void close() {
    flush();
    leave();
    blob_.close();
  }

 protected:
  int_type underflow() override {
    enter(position());
    const std::size_t count = room();
    if (count == 0) return traits_type::eof();
    blob_.read_at(base_, std::as_writable_bytes(std::span(window_).first(count)));
    setg(window_.data(), window_.data(), window_.data() + count);
    return traits_type::to_int_type(window_[0]);
  }
  int_type overflow(int_type c) override {
    enter(position());
    const std::size_t count = room();
    if (count == 0) return traits_type::eof();
    setp(window_.data(), window_.data() + count);
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    *pptr() = traits_type::to_char_type(c);
    pbump(1);
    return c;
  }
  std::streamsize xsgetn(char* out, std::streamsize wanted) override {
    if (wanted < static_cast<std::streamsize>(window_.size())) return std::streambuf::xsgetn(out, wanted);
    enter(position());
    const auto count = std::min<std::uint64_t>(static_cast<std::uint64_t>(wanted), left());
    blob_.read_at(base_, std::as_writable_bytes(std::span(out, static_cast<std::size_t>(count))));
    base_ += count;
    return static_cast<std::streamsize>(count);
  }
  std::streamsize xsputn(const char* data, std::streamsize size) override {
    if (size < static_cast<std::streamsize>(window_.size())) return std::streambuf::xsputn(data, size);
    enter(position());
    const auto count = std::min<std::uint64_t>(static_cast<std::uint64_t>(size), left());
    blob_.write_at(base_, std::as_bytes(std::span(data, static_cast<std::size_t>(count))));
    base_ += count;
    return static_cast<std::streamsize>(count);
  }
  std::streamsize showmanyc() override {
    const std::uint64_t here = position();
    return here >= blob_.size() ? -1 : static_cast<std::streamsize>(blob_.size() - here);
  }
  int sync() override {
    flush();
    return 0;
  }
  pos_type seekoff(off_type offset, std::ios_base::seekdir from, std::ios_base::openmode) override {
    const auto start = static_cast<off_type>(from == std::ios_base::beg   ? 0
                                             : from == std::ios_base::cur ? position()
                                                                          : blob_.size());
    return go(start + offset);
  }
  pos_type seekpos(pos_type to, std::ios_base::openmode) override { return go(static_cast<off_type>(to)); }

 private:
  std::uint64_t position() const noexcept {
    if (pptr() != nullptr) return base_ + static_cast<std::uint64_t>(pptr() - pbase());
    return base_ + static_cast<std::uint64_t>(gptr() - eback());
  }
  std::uint64_t left() const noexcept { return base_ >= blob_.size() ? 0 : blob_.size() - base_; }
  std::size_t room() const noexcept {
    return static_cast<std::size_t>(std::min<std::uint64_t>(left(), window_.size()));
  }
  void leave() noexcept {
    setg(nullptr, nullptr, nullptr);
    setp(nullptr, nullptr);
  }
  void enter(std::uint64_t at) {
    flush();
    leave();
    base_ = at;
  }
  pos_type go(off_type to) {
    if (to < 0 || static_cast<std::uint64_t>(to) > blob_.size()) return pos_type(off_type(-1));
    enter(static_cast<std::uint64_t>(to));
    return pos_type(to);
  }
  void flush() {
    if (pptr() == nullptr || pptr() == pbase()) return;
    const auto count = static_cast<std::size_t>(pptr() - pbase());
    const std::uint64_t at = base_;
    base_ += count;
    leave();
    blob_.write_at(at, std::as_bytes(std::span(window_).first(count)));
  }

  BlobHandle blob_;
  std::uint64_t base_ = 0;
  std::array<char, 16384> window_;
};

BlobStream::BlobStream(BlobHandle blob) : std::iostream(nullptr), buffer_(std::make_unique<Buffer>(std::move(blob))) {
  rdbuf(buffer_.get());
}
BlobStream::BlobStream(const Connection& connection, const BlobLocation& location, BlobMode mode)
    : BlobStream(BlobHandle(connection, location, mode)) {}
BlobStream::~BlobStream() = default;

void BlobStream::close() { buffer_->close(); }
BlobHandle& BlobStream::handle() noexcept { return buffer_->handle(); }

}  // namespace libsql
