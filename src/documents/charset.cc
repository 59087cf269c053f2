#include "documents/charset.h"

#include <algorithm>
#include <array>
#include <span>

#include <fmt/format.h>
#include <uchardet.h>

#include "documents/clean_text.h"
#include "text/utf8.h"

namespace plimsoll::documents {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 18;
constexpr uint64_t kGuessBytes = uint64_t{1} << 20;  // uchardet has made up its mind long before
// A text with at least this many whole characters beyond ASCII for each broken one is UTF-8 that was damaged or cut.
constexpr uint64_t kWholePerBroken = 20;

std::string LowerAscii(std::string_view text) {
  std::string out(text);
  for (char& byte : out) {
    if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte - 'A' + 'a');
  }
  return out;
}

// Names that mean a larger set in practice (WHATWG Encoding Standard, section 4.2).
std::string MeantBy(std::string_view name) {
  struct Alias {
    std::string_view name, meant;
  };
  static constexpr std::array<Alias, 14> kAliases = {{{"iso-8859-1", "WINDOWS-1252"}, {"latin1", "WINDOWS-1252"},
      {"us-ascii", "WINDOWS-1252"}, {"ascii", "WINDOWS-1252"}, {"iso-8859-9", "WINDOWS-1254"}, {"utf8", "UTF-8"},
      {"gb2312", "GB18030"}, {"gbk", "GB18030"}, {"shift_jis", "CP932"}, {"x-sjis", "CP932"}, {"sjis", "CP932"},
      {"euc-kr", "UHC"}, {"ks_c_5601-1987", "UHC"}, {"unicode", "UTF-16LE"}}};
  const std::string lower = LowerAscii(name);
  for (const Alias& alias : kAliases) {
    if (lower == alias.name) return std::string(alias.meant);
  }
  std::string upper = lower;
  for (char& byte : upper) {
    if (byte >= 'a' && byte <= 'z') byte = static_cast<char>(byte - 'a' + 'A');
  }
  return upper;
}

struct Mark {
  std::string_view bytes, charset;
};
constexpr std::array<Mark, 5> kMarks = {{{"\xEF\xBB\xBF", "UTF-8"}, {std::string_view("\xFF\xFE\0\0", 4), "UTF-32LE"},
    {std::string_view("\0\0\xFE\xFF", 4), "UTF-32BE"}, {"\xFF\xFE", "UTF-16LE"}, {"\xFE\xFF", "UTF-16BE"}}};

// UTF-16 without a mark: Latin text has a zero in nearly every second byte, always the same one.
std::string_view Utf16ByZeros(std::string_view head) {
  if (head.size() < 8) return {};
  std::array<size_t, 2> zeros = {0, 0};
  for (size_t i = 0; i < head.size(); ++i) zeros[i % 2] += head[i] == 0;
  const size_t half = head.size() / 2;
  if (zeros[1] * 10 > half * 7 && zeros[0] * 20 < half) return "UTF-16LE";
  if (zeros[0] * 10 > half * 7 && zeros[1] * 20 < half) return "UTF-16BE";
  return {};
}

// What one reading of the file says of its bytes.
struct Survey {
  uint64_t whole = 0;   // characters beyond ASCII that are valid UTF-8
  uint64_t broken = 0;  // sequences that are not
  uint64_t zeros = 0;
  std::string guess;    // uchardet's
  uint64_t declared_failures = 0;
};

void CountUtf8(std::string_view bytes, Survey& survey) {
  for (size_t i = 0; i < bytes.size();) {
    if (static_cast<unsigned char>(bytes[i]) < 0x80) {
      survey.zeros += bytes[i] == 0;
      ++i;
      continue;
    }
    const text::CodePoint point = text::DecodeAt(bytes, i);
    ++(point.valid ? survey.whole : survey.broken);
    i += point.length;
  }
}

template <class OnPiece>
Result<void> ForEachPiece(const platform::File& file, const StopToken& stop, OnPiece on_piece) {
  std::string buffer(kPieceBytes, '\0');
  for (uint64_t at = 0;;) {
    PLIMSOLL_TRY(stop.Check());
    PLIMSOLL_ASSIGN(const size_t got, file.ReadSome(at, std::as_writable_bytes(std::span(buffer))));
    if (got == 0) return {};
    on_piece(std::string_view(buffer).substr(0, got));
    at += got;
  }
}

class Guesser {
 public:
  Guesser() : detector_(uchardet_new()) {}
  Guesser(const Guesser&) = delete;
  Guesser& operator=(const Guesser&) = delete;
  ~Guesser() { uchardet_delete(detector_); }
  // Only pieces that are not plain ASCII say anything.
  void Feed(std::string_view piece) {
    const bool telling = std::any_of(piece.begin(), piece.end(), [](char byte) { return byte < 0; });
    if (fed_ >= kGuessBytes || !telling) return;
    fed_ += piece.size();
    uchardet_handle_data(detector_, piece.data(), piece.size());
  }
  std::string Guess() {
    uchardet_data_end(detector_);
    return uchardet_get_charset(detector_);
  }

 private:
  uchardet_t detector_;
  uint64_t fed_ = 0;
};

Result<Survey> SurveyFile(const platform::File& file, const std::string& declared, const StopToken& stop) {
  Survey survey;
  Guesser guesser;
  TextDecoder decoder(declared.empty() ? "UTF-8" : declared);
  std::string open, scratch;
  PLIMSOLL_TRY(ForEachPiece(file, stop, [&](std::string_view piece) {
    guesser.Feed(piece);
    open.append(piece);
    const size_t complete = text::CompletePrefix(open);
    CountUtf8(std::string_view(open).substr(0, complete), survey);
    open.erase(0, complete);
    scratch.clear();
    if (!declared.empty() && declared != "UTF-8") decoder.Append(piece, scratch);
  }));
  CountUtf8(open, survey);
  survey.guess = guesser.Guess();
  survey.declared_failures = decoder.failures();
  return survey;
}

Charset ChooseUtf8(const Survey& survey, const std::string& declared) {
  Charset charset;
  if (survey.broken > 0) {
    charset.notes.push_back(fmt::format("{} byte sequences are not valid UTF-8 and were replaced", survey.broken));
  }
  if (survey.whole > 0 && !declared.empty() && declared != "UTF-8") {
    charset.notes.push_back(fmt::format("the file declares {}, but is UTF-8 and was read as that", declared));
  }
  return charset;
}

Charset ChooseByBytes(const Survey& survey, const std::string& declared) {
  if (survey.broken == 0 || survey.whole / kWholePerBroken >= survey.broken) return ChooseUtf8(survey, declared);
  Charset charset;
  const bool usable = !declared.empty() && declared != "UTF-8" && TextDecoder(declared).known();
  if (usable && survey.declared_failures == 0) {
    charset.name = declared;
    return charset;
  }
  charset.name = MeantBy(survey.guess);
  const bool guessed = !survey.guess.empty() && charset.name != "UTF-8" && TextDecoder(charset.name).known();
  if (!guessed) charset.name = "WINDOWS-1252";
  if (!declared.empty()) {
    charset.notes.push_back(fmt::format("the file declares {}, which does not fit its bytes; it was read as {}", declared,
                                        charset.name));
  } else {
    charset.notes.push_back(fmt::format("the file does not say its character set; it was read as {}", charset.name));
  }
  return charset;
}

}  // namespace

std::string DeclaredCharset(std::string_view head) {
  const std::string lower = LowerAscii(head.substr(0, 4096));
  size_t at = lower.find("charset=");
  size_t length = 8;
  if (lower.starts_with("<?xml") && lower.find("encoding=") < lower.find("?>")) {
    at = lower.find("encoding=");
    length = 9;
  }
  if (at == lower.npos) return {};
  at += length;
  while (at < lower.size() && (lower[at] == '"' || lower[at] == '\'' || lower[at] == ' ')) ++at;
  size_t end = at;
  const auto in_name = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; };
  while (end < lower.size() && end - at < 40 && in_name(lower[end])) ++end;
  return lower.substr(at, end - at);
}

Result<Charset> FindCharset(const platform::File& file, std::string_view declared, const StopToken& stop) {
  std::string head(4096, '\0');
  PLIMSOLL_ASSIGN(const size_t got, file.ReadSome(0, std::as_writable_bytes(std::span(head))));
  head.resize(got);
  Charset charset;
  for (const Mark& mark : kMarks) {
    if (!head.starts_with(mark.bytes)) continue;
    charset.name = mark.charset;
    if (charset.name != "UTF-8") return charset;
  }
  if (const std::string_view utf16 = Utf16ByZeros(head); !utf16.empty()) {
    charset.name = utf16;
    return charset;
  }
  const std::string meant = MeantBy(declared);
  // A declaration that the parser could read cannot be UTF-16.
  const std::string usable = meant.starts_with("UTF-16") || meant.starts_with("UTF-32") ? "" : meant;
  PLIMSOLL_ASSIGN(const Survey survey, SurveyFile(file, usable, stop));
  charset = ChooseByBytes(survey, usable);
  if (survey.zeros > 0) charset.notes.push_back(fmt::format("{} zero bytes were left out", survey.zeros));
  return charset;
}

Result<bool> TextSource::Next(std::string& piece) {
  piece.clear();
  std::string buffer(size_t{1} << 16, '\0');
  while (piece.empty() && !done_) {
    PLIMSOLL_ASSIGN(const size_t got, file_.ReadSome(at_, std::as_writable_bytes(std::span(buffer))));
    at_ += got;
    if (got > 0) {
      decoder_.Append(std::string_view(buffer).substr(0, got), piece);
    } else {
      decoder_.Finish(piece);
      done_ = true;
    }
  }
  return !piece.empty();
}

}  // namespace plimsoll::documents
