#include "replication/zstd.hpp"

#include <zstd.h>

#include <new>
#include <stdexcept>

#include "core/decode_error.hpp"

namespace libsql::replication::zstd {
namespace {

using core::DecodeError;

// Of pages that are alike there is little left at any level, and this one is the fastest.
constexpr int kLevel = 1;
// Level 1 looks back 512 KiB. What looks back further than this is not ours.
constexpr int kMostWindowLog = 23;

[[noreturn]] void fail(DecodeError::Kind kind, std::uint64_t position, std::string_view what) {
  throw DecodeError(kind, static_cast<std::size_t>(position),
                    std::string("zstd, byte ").append(std::to_string(position)).append(": ").append(what));
}

struct FreeCompression {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
};

}  // namespace

void compress(std::string_view bytes, std::string& out) {
  const std::unique_ptr<ZSTD_CCtx, FreeCompression> context(ZSTD_createCCtx());
  if (context == nullptr) throw std::bad_alloc();
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  const std::size_t before = out.size();
  out.resize(before + ZSTD_compressBound(bytes.size()));
  const std::size_t size =
      ZSTD_compress2(context.get(), out.data() + before, out.size() - before, bytes.data(), bytes.size());
  if (ZSTD_isError(size) != 0) throw std::bad_alloc();  // there is room for anything, so nothing else can be
  out.resize(before + size);
}

struct Decompressor::Context {
  Context() : stream(ZSTD_createDStream()), buffer(ZSTD_DStreamOutSize(), '\0') {
    if (stream == nullptr) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, kMostWindowLog);
  }
  ~Context() { ZSTD_freeDStream(stream); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  ZSTD_DStream* stream;
  std::string buffer;
};

Decompressor::Decompressor(std::uint64_t max_bytes) : context_(std::make_unique<Context>()), max_bytes_(max_bytes) {}

Decompressor::~Decompressor() = default;

void Decompressor::restart() {
  ZSTD_DCtx_reset(context_->stream, ZSTD_reset_session_only);
  input_ = {};
  bytes_ = position_ = 0;
  ended_ = false;
}

std::string_view Decompressor::next() {
  // What does not come from the input may still be inside.
  for (bool full = true; full || !input_.empty();) {
    if (ended_) {
      if (!input_.empty()) fail(DecodeError::Kind::Malformed, position_, "data behind the end");
      return {};
    }
    ZSTD_inBuffer in{input_.data(), input_.size(), 0};
    ZSTD_outBuffer out{context_->buffer.data(), context_->buffer.size(), 0};
    const std::size_t left = ZSTD_decompressStream(context_->stream, &out, &in);
    input_.remove_prefix(in.pos);
    position_ += in.pos;
    if (ZSTD_isError(left) != 0) fail(DecodeError::Kind::Malformed, position_, ZSTD_getErrorName(left));
    ended_ = left == 0;
    if (out.pos > max_bytes_ - bytes_) fail(DecodeError::Kind::TooLarge, position_, "it holds more than is allowed");
    bytes_ += out.pos;
    if (out.pos > 0) return std::string_view(context_->buffer).substr(0, out.pos);
    full = false;
  }
  return {};
}

void Decompressor::finish() const {
  if (!ended_) fail(DecodeError::Kind::Malformed, position_, "it ends too early");
}

}  // namespace libsql::replication::zstd
