// iconv behind TextDecoder.
#include <array>
#include <cerrno>
#include <utility>

#include <iconv.h>

#include "documents/charset.h"
#include "documents/clean_text.h"

namespace plimsoll::documents {
namespace {

const iconv_t kNone = reinterpret_cast<iconv_t>(-1);  // NOLINT: how iconv says it

}  // namespace

struct TextDecoder::State {
  iconv_t converter = kNone;
  bool utf8 = false;
  std::string open;  // bytes of a character that is not whole yet
  uint64_t failures = 0;
  Cleaner cleaner;

  void Convert(std::string_view bytes, std::string& out) {
    std::string input = std::exchange(open, {});
    input.append(bytes);
    char* in = input.data();
    size_t left = input.size();
    std::array<char, 8192> buffer;
    while (left > 0) {
      char* to = buffer.data();
      size_t room = buffer.size();
      const size_t result = iconv(converter, &in, &left, &to, &room);
      const int reason = errno;
      cleaner.Append(std::string_view(buffer.data(), buffer.size() - room), out);
      if (result != static_cast<size_t>(-1) || reason == E2BIG) continue;
      if (reason == EINVAL) break;  // cut within a character
      ++failures;
      cleaner.Append("\xEF\xBF\xBD", out);
      ++in;
      --left;
    }
    open.assign(in, left);
  }
};

TextDecoder::TextDecoder(const std::string& charset) : state_(std::make_unique<State>()) {
  state_->utf8 = charset == "UTF-8";
  if (!state_->utf8) state_->converter = iconv_open("UTF-8", charset.c_str());
}
TextDecoder::TextDecoder(TextDecoder&&) noexcept = default;
TextDecoder::~TextDecoder() {
  if (state_ && state_->converter != kNone) iconv_close(state_->converter);
}

bool TextDecoder::known() const { return state_->utf8 || state_->converter != kNone; }
uint64_t TextDecoder::failures() const { return state_->failures; }

void TextDecoder::Append(std::string_view bytes, std::string& out) {
  if (state_->converter == kNone) {
    state_->cleaner.Append(bytes, out);
  } else {
    state_->Convert(bytes, out);
  }
}

void TextDecoder::Finish(std::string& out) {
  if (!state_->open.empty()) {
    ++state_->failures;
    state_->cleaner.Append("\xEF\xBF\xBD", out);
    state_->open.clear();
  }
  state_->cleaner.Finish(out);
}

}  // namespace plimsoll::documents
