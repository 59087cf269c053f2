#include "documents/chunker.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "documents/atoms.h"
#include "documents/clean_text.h"
#include "documents/heading_path.h"

namespace plimsoll::documents {
namespace {

constexpr size_t kLeastWindow = 16;
// A chunk has at most so many bytes per token it may have: more than any language's text needs, and a bound on what the
// counter sees where a tokenizer makes one token of an endless word.
constexpr size_t kBytesPerToken = 16;

// Packs atoms (blocks; sentences, words or pieces of words of blocks that are too large) into chunks of one section of
// one page.
class Packer {
 public:
  Packer(const Document& document, const ChunkOptions& options, const TokenCounter& count_tokens, const StopToken& stop)
      : text_(document.text), options_(options), count_tokens_(count_tokens), stop_(stop), index_(document.text),
        window_(options.max_tokens - options.special_tokens), path_(document.title, window_ / 3, count_tokens) {}

  Result<std::vector<Chunk>> Run(const std::vector<Block>& blocks) {
    for (const Block& block : blocks) {
      PLIMSOLL_TRY(stop_.Check());
      const bool heading = block.kind == BlockKind::kHeading;
      if (block.page != page_ || (heading && !only_headings_)) EndSection();
      page_ = block.page;
      if (heading) {
        path_.Enter(block.level, text_.substr(block.begin, block.end - block.begin));
      } else {
        only_headings_ = false;
      }
      PLIMSOLL_TRY(Place({block.begin, block.end}, FirstCut(block.kind), Target()));
    }
    EndSection();
    return std::move(chunks_);
  }

 private:
  // What is left for a chunk's own text. A heading path may take a third, so it is never nothing. The newline between
  // them is counted as a token, which it is at most.
  size_t Room() const { return window_ - path_.tokens() - 1; }
  size_t Target() const {
    const size_t whole = std::min(window_, options_.target_tokens);
    return std::max(whole > path_.tokens() + 1 ? whole - path_.tokens() - 1 : 0, window_ / 3);
  }
  size_t MostBytes() const { return Room() * kBytesPerToken; }
  std::string_view Slice(Range range) const { return text_.substr(range.begin, range.end - range.begin); }

  // Puts an atom into the open chunk, a chunk of its own, or cuts it further.
  Result<void> Place(Range range, Cut cut, size_t target) {
    range = TrimmedRange(text_, range);
    if (range.begin == range.end) return {};
    if (range.end - range.begin <= MostBytes()) {
      const size_t tokens = count_tokens_(Slice(range));
      if (Joins(range, tokens, target)) {
        Add(range, tokens);
        return {};
      }
      // A heading is not left alone because the paragraph below it fills a chunk by itself.
      if (tokens <= Room() && (!OnlyBeginning() || cut > Cut::kSentences)) {
        Flush();
        Add(range, tokens);
        return {};
      }
    }
    if (cut == Cut::kNone) {
      Flush();
      Add(range, 0);  // one character: it cannot be made smaller
      return {};
    }
    return Split(range, cut);
  }

  bool Joins(Range range, size_t tokens, size_t target) const {
    if (atoms_.empty()) return tokens <= target;
    const size_t limit = OnlyBeginning() ? Room() : target;
    return tokens_ + tokens <= limit && range.end - atoms_.front().range.begin <= MostBytes();
  }

  // Whether the open chunk is too little to stand alone.
  bool OnlyBeginning() const { return !atoms_.empty() && tokens_ * 4 <= Target(); }

  Result<void> Split(Range range, Cut cut) {
    if (cut == Cut::kCharacters) return SplitWord(range);
    const Cut next = static_cast<Cut>(static_cast<int>(cut) + 1);
    const size_t target = EvenTarget(range);
    AtomCutter cutter(text_, range, cut);
    while (const auto atom = cutter.Next()) {
      PLIMSOLL_TRY(stop_.Check());
      PLIMSOLL_TRY(Place(*atom, next, target));
    }
    return {};
  }

  // A paragraph a little over the target makes two halves rather than a whole and a scrap. Only where it is counted
  // cheaply.
  size_t EvenTarget(Range range) const {
    if (range.end - range.begin > 4 * MostBytes()) return Target();
    const size_t total = count_tokens_(Slice(range)) + tokens_;
    const size_t parts = (total + Target() - 1) / Target();
    return std::min(Target(), total / std::max<size_t>(parts, 1) + Target() / 8);
  }

  // A word that is too long for a chunk, in pieces between characters. The size that fitted last is tried first.
  Result<void> SplitWord(Range range) {
    Flush();
    size_t size = Room();
    while (range.begin < range.end) {
      PLIMSOLL_TRY(stop_.Check());
      Range piece = {range.begin, CharacterEnd(text_, range, range.begin + size)};
      size_t tokens = count_tokens_(Slice(piece));
      while (tokens > Room() && piece.end - piece.begin > 4) {
        size = (piece.end - piece.begin) / 2;
        piece.end = CharacterEnd(text_, range, range.begin + size);
        tokens = count_tokens_(Slice(piece));
      }
      if (tokens * 2 <= Room()) size = std::min(size * 2, MostBytes());
      range.begin = piece.end;
      Add(piece, tokens);
      if (range.begin < range.end) Flush();
    }
    return {};
  }

  void Add(Range range, size_t tokens) {
    atoms_.push_back({range, tokens});
    tokens_ += tokens;
  }

  // Counts what the embedder will see. Tokens across the seams between atoms may differ from their sum, so the last atoms
  // go back where the whole is too large.
  void Flush() {
    while (!atoms_.empty()) {
      size_t taken = atoms_.size();
      size_t tokens = CountWhole(taken);
      while (tokens > window_ && taken > 1) tokens = CountWhole(--taken);
      Emit(taken, tokens);
      atoms_.erase(atoms_.begin(), atoms_.begin() + static_cast<ptrdiff_t>(taken));
    }
    tokens_ = 0;
  }

  size_t CountWhole(size_t atoms) const {
    return count_tokens_(EmbeddingText(path_.text(), Slice({atoms_.front().range.begin, atoms_[atoms - 1].range.end})));
  }

  void Emit(size_t atoms, size_t tokens) {
    Chunk chunk;
    chunk.heading = path_.text();
    chunk.begin = atoms_.front().range.begin;
    chunk.end = atoms_[atoms - 1].range.end;
    chunk.begin_char = index_.CharacterAt(chunk.begin);
    chunk.end_char = index_.CharacterAt(chunk.end);
    chunk.page = page_;
    chunk.tokens = tokens + options_.special_tokens;
    chunks_.push_back(std::move(chunk));
  }

  void EndSection() {
    Flush();
    MergeScrap();
    section_begin_ = chunks_.size();
    only_headings_ = true;
  }

  // A last chunk of a few words goes to the one before it where the window has room.
  void MergeScrap() {
    if (chunks_.size() < section_begin_ + 2) return;
    Chunk& last = chunks_.back();
    Chunk& before = chunks_[chunks_.size() - 2];
    if (last.tokens > Target() / 3 || last.end - before.begin > MostBytes()) return;
    const size_t tokens = count_tokens_(EmbeddingText(path_.text(), Slice({before.begin, last.end})));
    if (tokens > window_) return;
    before.end = last.end;
    before.end_char = last.end_char;
    before.tokens = tokens + options_.special_tokens;
    chunks_.pop_back();
  }

  struct Atom {
    Range range;
    size_t tokens;
  };
  const std::string_view text_;
  const ChunkOptions& options_;
  const TokenCounter& count_tokens_;
  const StopToken& stop_;
  const CharacterIndex index_;
  const size_t window_;
  HeadingPath path_;
  uint32_t page_ = 0;
  bool only_headings_ = true;  // the open chunk holds nothing else: an empty section goes with the one that follows
  size_t section_begin_ = 0;   // first chunk of the section
  std::vector<Atom> atoms_;    // of the open chunk
  size_t tokens_ = 0;          // their sum
  std::vector<Chunk> chunks_;
};

}  // namespace

size_t EstimateTokens(std::string_view text) {
  // Word-piece vocabularies of 30,000 pieces make about 1.3 pieces of an English word; a long word more, a sign one,
  // a character beyond ASCII up to one. On the side of too many.
  size_t tokens = 0, letters = 0;
  const auto end_word = [&] {
    if (letters > 0) tokens += 1 + (letters - 1) / 5;
    letters = 0;
  };
  for (const char byte : text) {
    const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
    if (letter) {
      ++letters;
      continue;
    }
    if (IsContinuation(byte)) continue;
    end_word();
    if (!IsSpace(byte)) ++tokens;
  }
  end_word();
  return tokens;
}

std::string EmbeddingText(std::string_view heading, std::string_view chunk_text) {
  std::string out(heading);
  if (!out.empty()) out.push_back('\n');
  return out.append(chunk_text);
}

Result<std::vector<Chunk>> CutIntoChunks(const Document& document, const ChunkOptions& options,
                                         const TokenCounter& count_tokens, const StopToken& stop) {
  PLIMSOLL_CHECK(count_tokens);
  if (options.max_tokens < options.special_tokens + kLeastWindow) {
    return MakeError(ErrorCode::kUsage, fmt::format("the embedder's window of {} tokens, {} of them special, holds no passage",
                                                    options.max_tokens, options.special_tokens))
        .Next("choose an embedder with a longer window");
  }
  return Packer(document, options, count_tokens, stop).Run(document.blocks);
}

}  // namespace plimsoll::documents
