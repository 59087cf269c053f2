// Normalizers: the first step of a tokenizer, text to text. Each keeps track of which bytes come from trusted text, since
// some special tokens are searched in the normalised text. Immutable; any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/charsmap.h"
#include "text/pattern.h"
#include "text/piece_trie.h"
#include "text/unicode.h"

namespace plimsoll::text {

// Text with one mark per byte: 1 where it is trusted. No marks at all: nobody will ask.
struct MarkedText {
  std::string bytes;
  std::string marks;
  bool begins_later = false;  // what stood at its beginning was dropped
};

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual Result<void> Apply(MarkedText& text) const = 0;
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
std::unique_ptr<Normalizer> MakeStripAccents();  // drops marks of every kind; decomposing first is another step's work
std::unique_ptr<Normalizer> MakeStrip(bool left, bool right);  // white space at the ends
std::unique_ptr<Normalizer> MakeNmt();  // drops some control characters, turns some white space into spaces
std::unique_ptr<Normalizer> MakeByteLevelNormalizer();  // writes bytes in the byte-level alphabet
std::unique_ptr<Normalizer> MakeReplace(std::unique_ptr<Pattern> pattern, std::string content);
std::unique_ptr<Normalizer> MakePrepend(std::string prefix);                         // nothing before empty text
std::unique_ptr<Normalizer> MakeNormalizerSequence(std::vector<std::unique_ptr<Normalizer>> steps);

// sentencepiece's rules as the tokenizers library applies them: by grapheme cluster, see normalizer_charsmap.cc.
std::unique_ptr<Normalizer> MakePrecompiled(Charsmap charsmap);

// sentencepiece's own normalizer, which puts U+2581 for spaces too.
struct SentencePieceRules {
  Charsmap charsmap;
  PieceTrie user_defined;  // symbols that stay as they are
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
  bool whitespace_as_suffix = false;
};
std::unique_ptr<Normalizer> MakeSentencePieceNormalizer(SentencePieceRules rules);

}  // namespace plimsoll::text
