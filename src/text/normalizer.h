// Normalizers: the first step of a tokenizer, text to text. Each keeps track of which bytes come from trusted text, since
// some special tokens are searched in the normalised text. Immutable; any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/unicode.h"

namespace plimsoll::text {

// Text with one mark per byte: 1 where it is trusted. No marks at all: nobody will ask.
struct MarkedText {
  std::string bytes;
  std::string marks;
};

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void Apply(MarkedText& text) const = 0;
};

// NFC, NFD, NFKC, NFKD.
std::unique_ptr<Normalizer> MakeFormNormalizer(NormalForm form);

struct BertNormalizerOptions {
  bool clean_text = true;            // drops control characters, turns white space into spaces
  bool handle_chinese_chars = true;  // spaces round CJK ideographs
  bool strip_accents = true;
  bool lowercase = true;
};
std::unique_ptr<Normalizer> MakeBertNormalizer(const BertNormalizerOptions& options);

std::unique_ptr<Normalizer> MakeLowercase();
std::unique_ptr<Normalizer> MakeStripAccents();  // drops nonspacing marks; decomposing first is another step's work
std::unique_ptr<Normalizer> MakeReplace(std::string pattern, std::string content);  // pattern: literal, not empty
std::unique_ptr<Normalizer> MakePrepend(std::string prefix);                         // nothing before empty text
std::unique_ptr<Normalizer> MakeNormalizerSequence(std::vector<std::unique_ptr<Normalizer>> steps);

}  // namespace plimsoll::text
