// Requests of hostile clients, in the encoding that LIBSQL_FUZZ_ENCODING names.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz/hrana_stability.hpp"

namespace {

using libsql::core::Source;
using libsql::hrana::Encoding;

constexpr Encoding kEncoding = Encoding::LIBSQL_FUZZ_ENCODING;

// The bodies of v1 have no encoder of their own: what they hold is put into a pipeline.
void check_v1(std::string_view input) {
  namespace hrana = libsql::hrana;
  try {
    const auto stmt = hrana::decode_v1_execute_request(Source::borrowed(input));
    const hrana::Request request = hrana::ExecuteRequest{*stmt};
    std::string out;
    hrana::encode(kEncoding, hrana::PipelineRequest{{}, {&request, 1}}, out);
  } catch (const hrana::DecodeError&) {
  }
  try {
    const auto batch = hrana::decode_v1_batch_request(Source::borrowed(input));
    std::string out;
    hrana::encode(kEncoding, hrana::CursorRequest{{}, *batch}, out);
  } catch (const hrana::DecodeError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  namespace hrana = libsql::hrana;
  hrana_fuzz::check(kEncoding, input,
                    [](Source bytes) { return hrana::decode_pipeline_request(kEncoding, std::move(bytes)); });
  hrana_fuzz::check(kEncoding, input,
                    [](Source bytes) { return hrana::decode_cursor_request(kEncoding, std::move(bytes)); });
  hrana_fuzz::check(kEncoding, input,
                    [](Source bytes) { return hrana::decode_client_message(kEncoding, std::move(bytes)); });
  if (kEncoding == Encoding::Json) check_v1(input);
  return 0;
}
