// Which character set a file is in, and its text as clean UTF-8, piece by piece. The order of belief: a byte order mark;
// UTF-16 by its zero bytes; valid UTF-8 (few other texts are, by chance); what an HTML file declares, if its bytes agree;
// a guess by uchardet; windows-1252. Memory is bounded by the piece. One thread per object.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/stop.h"
#include "platform/file.h"

namespace plimsoll::documents {

struct Charset {
  std::string name = "UTF-8";      // as iconv knows it
  std::vector<std::string> notes;  // a wrong declaration, a guess, broken characters
};

// What <meta charset> or an XML declaration in the first bytes of an HTML file says; empty if nothing.
std::string DeclaredCharset(std::string_view head);

// Reads the whole file once.
Result<Charset> FindCharset(const platform::File& file, std::string_view declared, const StopToken& stop);

// Bytes of a character set, in pieces, to clean UTF-8. What cannot be converted becomes U+FFFD.
class TextDecoder {
 public:
  explicit TextDecoder(const std::string& charset);
  TextDecoder(TextDecoder&&) noexcept;
  ~TextDecoder();
  void Append(std::string_view bytes, std::string& out);
  void Finish(std::string& out);
  uint64_t failures() const;  // sequences that could not be converted (UTF-8 is checked by FindCharset instead)
  bool known() const;         // whether iconv knows the character set

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A file's text in pieces of about 64 KiB.
class TextSource {
 public:
  TextSource(const platform::File& file, const Charset& charset) : file_(file), decoder_(charset.name) {}
  // Replaces `piece`; false at the end.
  Result<bool> Next(std::string& piece);

 private:
  const platform::File& file_;
  TextDecoder decoder_;
  uint64_t at_ = 0;
  bool done_ = false;
};

}  // namespace plimsoll::documents
