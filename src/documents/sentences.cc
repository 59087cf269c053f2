#include "documents/sentences.h"

#include <algorithm>
#include <array>
#include <string>

#include "documents/clean_text.h"
#include "documents/sentence_end.h"

namespace plimsoll::documents {
namespace {

std::string_view Indented(std::string_view line) {
  const size_t first = line.find_first_not_of(" \t");
  return first == line.npos ? std::string_view() : line.substr(first);
}

// Three or more ` or ~ at the beginning of a line: how many, 0 for none.
size_t FenceLength(std::string_view line, char sign) {
  line = Indented(line);
  const size_t length = std::min(line.find_first_not_of(sign), line.size());
  return length >= 3 ? length : 0;
}

// The bytes of a list mark and the spaces behind it: "- ", "* ", "+ ", a bullet, "1. ", "1) ".
size_t ListMarkBytes(std::string_view line) {
  const size_t indent = line.size() - Indented(line).size();
  const std::string_view rest = line.substr(indent);
  size_t mark = 0;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '*' || rest[0] == '+')) mark = 1;
  if (rest.starts_with("\xE2\x80\xA2")) mark = 3;
  if (mark == 0) {
    size_t digits = 0;
    while (digits < rest.size() && digits < 4 && rest[digits] >= '0' && rest[digits] <= '9') ++digits;
    const bool number = digits >= 1 && digits <= 3 && digits < rest.size() && (rest[digits] == '.' || rest[digits] == ')');
    if (number) mark = digits + 1;
  }
  if (mark == 0 || mark >= rest.size() || !IsSpace(rest[mark])) return 0;
  return indent + mark + 1;
}

// "# " to "###### ".
size_t HeadingMarkBytes(std::string_view line) {
  const size_t signs = std::min(line.find_first_not_of('#'), line.size());
  return signs >= 1 && signs <= 6 && signs < line.size() && line[signs] == ' ' ? signs + 1 : 0;
}

bool IsTableRow(std::string_view line) {
  return Indented(line).starts_with('|') || line.find(" | ") != line.npos;
}

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  std::vector<Sentence> Run() {
    for (size_t at = 0; at < text_.size();) {
      const size_t end = std::min(text_.find('\n', at), text_.size());
      Line(at, end);
      at = end + 1;
    }
    if (fence_ > 0) Emit(run_begin_, text_.size(), true);
    else EndRun(text_.size());
    return std::move(sentences_);
  }

 private:
  void Line(size_t begin, size_t end) {
    const std::string_view line = text_.substr(begin, end - begin);
    if (fence_ > 0) {
      if (FenceLength(line, fence_sign_) < fence_ || Trimmed(line).find_first_not_of(fence_sign_) != line.npos) return;
      Emit(run_begin_, begin, true);
      fence_ = 0;
      run_begin_ = end;
      return;
    }
    for (const char sign : {'`', '~'}) {
      const size_t length = FenceLength(line, sign);
      if (length == 0 || (sign == '`' && Indented(line).find('`', length) != line.npos)) continue;
      EndRun(begin);
      fence_ = length;
      fence_sign_ = sign;
      run_begin_ = end;
      return;
    }
    if (const size_t mark = HeadingMarkBytes(line); mark > 0 || IsTableRow(line)) {
      EndRun(begin);
      Emit(begin + mark, end, false);
      run_begin_ = end;
    } else if (const size_t item = ListMarkBytes(line); item > 0) {
      EndRun(begin);
      run_begin_ = begin + item;
    } else if (Trimmed(line).empty()) {
      EndRun(begin);
      run_begin_ = end;
    }
  }

  // Running text from run_begin_ to `end`, sentence by sentence.
  void EndRun(size_t end) {
    const std::string_view run = text_.substr(0, end);
    while (run_begin_ < end) {
      const size_t sentence_end = SentenceEnd(run, run_begin_);
      Emit(run_begin_, sentence_end, false);
      run_begin_ = sentence_end;
    }
    run_begin_ = end;
  }

  void Emit(size_t begin, size_t end, bool code) {
    while (begin < end && IsSpace(text_[begin])) ++begin;
    while (end > begin && IsSpace(text_[end - 1])) --end;
    if (begin == end) return;
    Sentence sentence = {begin, end, CharacterAt(begin), 0, code};
    sentence.end_char = CharacterAt(end);
    sentences_.push_back(sentence);
  }

  // Offsets only grow, so counting goes on from the last.
  size_t CharacterAt(size_t byte) {
    characters_ += CountCharacters(text_.substr(counted_, byte - counted_));
    counted_ = byte;
    return characters_;
  }

  const std::string_view text_;
  std::vector<Sentence> sentences_;
  size_t run_begin_ = 0;
  size_t fence_ = 0;  // length of the open fence; 0: none
  char fence_sign_ = '`';
  size_t counted_ = 0, characters_ = 0;
};

}  // namespace

std::vector<Sentence> SplitSentences(std::string_view text) { return Splitter(text).Run(); }

}  // namespace plimsoll::documents
