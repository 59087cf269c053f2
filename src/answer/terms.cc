#include "answer/terms.h"

#include <algorithm>
#include <array>
#include <utility>

namespace plimsoll::answer {
namespace {

constexpr auto kFunctionWords = std::to_array<std::string_view>(
    {"a",      "about",  "above",  "after",   "again", "all",    "also",   "am",     "an",     "and",    "any",    "are",
     "as",     "at",     "be",     "because", "been",  "before", "being",  "below",  "between", "both",  "but",    "by",
     "can",    "could",  "d",      "did",     "do",    "does",   "doing",  "done",   "down",   "during", "each",   "either",
     "else",   "etc",    "even",   "ever",    "every", "few",    "for",    "from",   "get",    "gets",   "give",   "given",
     "had",    "has",    "have",   "having",  "he",    "her",    "here",   "him",    "his",    "how",    "however", "i",
     "if",     "in",     "into",   "is",      "it",    "its",    "itself", "just",   "ll",     "m",      "may",    "me",
     "might",  "more",   "most",   "much",    "must",  "my",     "of",     "off",    "on",     "once",   "one",    "only",
     "or",     "other",  "our",    "out",     "over",  "own",    "re",     "s",      "same",   "shall",  "she",    "should",
     "so",     "some",   "such",   "t",       "than",  "that",   "the",    "their",  "them",   "then",   "there",  "therefore",
     "these",  "they",   "this",   "those",   "through", "thus", "to",     "too",    "under",  "up",     "upon",   "us",
     "ve",     "very",   "was",    "we",      "were",  "what",   "when",   "where",  "whether", "which", "while",  "who",
     "whom",   "whose",  "why",    "will",    "with",  "would",  "yes",    "you",    "your",   "yours"});

constexpr auto kNegations = std::to_array<std::string_view>(
    {"cannot", "isnt", "neither", "never", "no", "nobody", "none", "nor", "not", "nothing", "nowhere", "without"});

constexpr auto kNumberWords = std::to_array<std::pair<std::string_view, std::string_view>>(
    {{"zero", "0"}, {"two", "2"}, {"three", "3"}, {"four", "4"}, {"five", "5"}, {"six", "6"}, {"seven", "7"},
     {"eight", "8"}, {"nine", "9"}, {"ten", "10"}, {"eleven", "11"}, {"twelve", "12"}, {"hundred", "100"},
     {"thousand", "1000"}, {"million", "1000000"}, {"billion", "1000000000"}});

// Of common claims of manuals, letters and contracts. They hold both ways.
constexpr auto kOpposites = std::to_array<std::pair<std::string_view, std::string_view>>(
    {{"enabled", "disabled"}, {"enable", "disable"}, {"increase", "decrease"}, {"increase", "reduce"}, {"before", "after"},
     {"always", "never"}, {"first", "last"}, {"maximum", "minimum"}, {"faster", "slower"}, {"fast", "slow"},
     {"larger", "smaller"}, {"large", "small"}, {"higher", "lower"}, {"high", "low"}, {"required", "optional"},
     {"allowed", "forbidden"}, {"allow", "prevent"}, {"allow", "forbid"}, {"true", "false"}, {"valid", "invalid"},
     {"safe", "unsafe"}, {"begin", "end"}, {"start", "stop"}, {"open", "close"}, {"include", "exclude"},
     {"accept", "reject"}, {"succeed", "fail"}, {"success", "failure"}, {"ascending", "descending"}, {"left", "right"},
     {"public", "private"}, {"possible", "impossible"}, {"supported", "unsupported"}, {"temporary", "permanent"},
     {"internal", "external"}, {"mutable", "immutable"}, {"sorted", "unsorted"}, {"win", "lose"}, {"buy", "sell"},
     {"longer", "shorter"}, {"older", "newer"}, {"early", "late"}, {"more", "less"}, {"add", "remove"},
     {"positive", "negative"}, {"increased", "decreased"}, {"upper", "lower"}, {"sync", "async"}, {"inside", "outside"}});

constexpr int kNegationReach = 4;  // content words

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsWordByte(char c) { return IsDigit(c) || IsUpper(c) || IsLower(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; }
bool HasVowel(std::string_view word) { return word.find_first_of("aeiouy") != std::string_view::npos; }

// General punctuation (U+2000 to U+206F: quotes, dashes, dots, spaces) is three bytes of UTF-8 that begin E2 80 or E2 81.
bool IsPunctuationAt(std::string_view text, size_t at) {
  return at + 2 < text.size() && text[at] == '\xE2' && (text[at + 1] == '\x80' || text[at + 1] == '\x81');
}

// An apostrophe, straight or U+2019, between letters: its length; else 0.
size_t ApostropheAt(std::string_view text, size_t at) {
  const size_t length = text[at] == '\'' ? 1 : text.substr(at).starts_with("\xE2\x80\x99") ? 3 : 0;
  return length > 0 && at > 0 && at + length < text.size() && (IsLower(text[at - 1]) || IsUpper(text[at - 1])) &&
                 IsLower(text[at + length])
             ? length
             : 0;
}

bool JoinsDigits(std::string_view text, size_t at) {
  return (text[at] == '.' || text[at] == ',') && at > 0 && at + 1 < text.size() && IsDigit(text[at - 1]) && IsDigit(text[at + 1]);
}

std::string Lower(std::string_view word) {
  std::string lower(word);
  for (char& c : lower) {
    if (IsUpper(c)) c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

template <class List>
bool Contains(const List& list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

// "1,000" and "1000.0" are 1000; "3.40.1" stays a version.
std::string NumberSpelling(std::string_view digits) {
  std::string number;
  for (const char c : digits) {
    if (c != ',') number += c;
  }
  if (std::ranges::count(number, '.') == 1) {
    while (number.ends_with('0')) number.pop_back();
    if (number.ends_with('.')) number.pop_back();
  }
  const size_t first = number.find_first_not_of('0');
  if (first == std::string::npos) return "0";
  return number[first] == '.' ? "0" + number.substr(first) : number.substr(first);
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::vector<Term> Read() {
    while (at_ < text_.size()) {
      if (IsPunctuationAt(text_, at_)) {
        Punctuation(text_[at_]);
        at_ += 3;
      } else if (IsWordByte(text_[at_])) {
        Word();
      } else {
        Punctuation(text_[at_++]);
      }
    }
    return std::move(terms_);
  }

 private:
  void Punctuation(char c) {
    if (c == '.' || c == '!' || c == '?' || c == ';' || c == ':' || c == '\n') reach_ = 0;
    if (c == ',' || c == '(' || c == ')') reach_ = 0;
    const bool abbreviated = c == '.' && short_capital_;  // "Mrs. Keller"
    if (!abbreviated && std::string_view(".!?:\"\n-").find(c) != std::string_view::npos) sentence_start_ = true;
  }

  void Word() {
    const size_t begin = at_;
    if (IsDigit(text_[at_])) {
      while (at_ < text_.size() && (IsDigit(text_[at_]) || JoinsDigits(text_, at_))) ++at_;
      Add(NumberSpelling(text_.substr(begin, at_ - begin)), Term::Kind::kNumber, false, begin);
      return;
    }
    std::string word;
    while (at_ < text_.size()) {
      const size_t apostrophe = ApostropheAt(text_, at_);
      if (apostrophe > 0) {
        word += '\'';
        at_ += apostrophe;
      } else if (IsWordByte(text_[at_]) && !IsPunctuationAt(text_, at_)) {
        word += text_[at_++];
      } else {
        break;
      }
    }
    AddWord(word, begin);
  }

  void AddWord(std::string_view word, size_t begin) {
    const bool inner_capital = std::any_of(word.begin() + 1, word.end(), IsUpper);
    const bool odd = word.find('_') != std::string_view::npos || std::ranges::any_of(word, IsDigit);
    const bool name = odd || inner_capital || (IsUpper(word[0]) && !sentence_start_);
    short_capital_ = IsUpper(word[0]) && word.size() <= 3;
    std::string lower = Lower(word);
    if (lower.ends_with("n't")) {
      const std::string stem = lower == "can't" ? "can" : lower.substr(0, lower.size() - 3);
      AddPlain(stem, false, begin);
      Add("not", Term::Kind::kNegation, false, begin);
      return;
    }
    if (const size_t apostrophe = lower.find('\''); apostrophe != std::string::npos && lower.size() - apostrophe <= 3) {
      lower.resize(apostrophe);
    }
    AddPlain(lower, name, begin);
  }

  void AddPlain(const std::string& lower, bool name, size_t begin) {
    if (Contains(kNegations, lower)) return Add(lower, Term::Kind::kNegation, false, begin);
    if (Contains(kFunctionWords, lower)) return Add(lower, Term::Kind::kFunction, false, begin);
    for (const auto& [number_word, digits] : kNumberWords) {
      if (lower == number_word) return Add(std::string(digits), Term::Kind::kNumber, false, begin);
    }
    Add(name && lower.find('_') != std::string::npos ? lower : StemOf(lower), Term::Kind::kContent, name, begin);
  }

  void Add(std::string stem, Term::Kind kind, bool name, size_t begin) {
    sentence_start_ = false;
    if (kind == Term::Kind::kNegation) reach_ = kNegationReach;
    const bool counted = kind == Term::Kind::kContent || kind == Term::Kind::kNumber;
    terms_.push_back({std::move(stem), kind, name, counted && reach_ > 0, begin});
    if (counted && reach_ > 0) --reach_;
  }

  std::string_view text_;
  size_t at_ = 0;
  bool sentence_start_ = true;
  bool short_capital_ = false;  // the last word is one of up to three letters that begins with a capital
  int reach_ = 0;
  std::vector<Term> terms_;
};

bool EndsInDoubled(std::string_view word) {
  const size_t n = word.size();
  return n > 2 && word[n - 1] == word[n - 2] && std::string_view("lsz").find(word[n - 1]) == std::string_view::npos;
}

// Takes the ending off where a word with a vowel is left.
bool TakeOff(std::string* word, std::string_view ending, size_t least) {
  if (!word->ends_with(ending) || word->size() < ending.size() + least) return false;
  if (!HasVowel(std::string_view(*word).substr(0, word->size() - ending.size()))) return false;
  word->resize(word->size() - ending.size());
  return true;
}

}  // namespace

std::vector<Term> TermsOf(std::string_view text) { return Reader(text).Read(); }

std::string StemOf(std::string_view word_given) {
  std::string word(word_given);
  if (word.size() <= 3) return word;
  if (word.ends_with("ies") && word.size() > 4) {
    word.replace(word.size() - 3, 3, "y");
  } else if (word.ends_with("sses") || word.ends_with("xes") || word.ends_with("ches") || word.ends_with("shes") || word.ends_with("zes")) {
    word.resize(word.size() - 2);
  } else if (word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us") && !word.ends_with("is")) {
    word.pop_back();
  }
  if (TakeOff(&word, "ing", 3) || TakeOff(&word, "ed", 3)) {
    if (EndsInDoubled(word)) word.pop_back();
  } else if (TakeOff(&word, "ly", 3)) {
  } else if (word.ends_with("tion") || word.ends_with("sion")) {
    TakeOff(&word, "ion", 4);
    TakeOff(&word, "at", 4);
  }
  if (word.size() > 4 && word.ends_with("ate")) word.resize(word.size() - 3);
  if (word.size() > 4 && word.ends_with("at")) word.resize(word.size() - 2);
  if (word.size() > 3 && word.ends_with('e')) word.pop_back();
  if (word.size() > 3 && word.ends_with('y')) word.back() = 'i';
  return word;
}

bool AreOpposites(std::string_view a, std::string_view b) {
  static const auto kByStem = [] {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const auto& [one, other] : kOpposites) pairs.emplace_back(StemOf(one), StemOf(other));
    return pairs;
  }();
  const std::string one = StemOf(a), other = StemOf(b);
  return std::ranges::any_of(kByStem, [&](const auto& pair) {
    return (pair.first == one && pair.second == other) || (pair.first == other && pair.second == one);
  });
}

}  // namespace plimsoll::answer
