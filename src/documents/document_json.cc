// A Document as JSON. Blocks are one flat array of numbers, five to a block (kind, level, page, begin, end): read by
// events it needs no more memory than the blocks themselves, whatever the other side sends.
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "documents/document.h"

namespace plimsoll::documents {
namespace {

constexpr size_t kNumbersPerBlock = 5;
constexpr size_t kMaxNotes = 1000;

Error BadJson(std::string what) {
  return MakeError(ErrorCode::kInvalid, fmt::format("what the parser process sent is not a document: {}", what))
      .Next("read the file again; if it fails the same way, please report it");
}

// Fills a Document from events; anything out of place ends the parse with `problem`.
class Reader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Reader(const DocumentLimits& limits) : limits_(limits) {}
  Document document;
  std::string problem;

  bool key(string_t& name) override {
    key_ = std::move(name);
    return true;
  }
  bool start_object(size_t) override { return objects_++ == 0 && !in_array_ ? true : Fail("an object within"); }
  bool end_object() override { return true; }
  bool start_array(size_t) override {
    if (objects_ == 0 || in_array_ || (key_ != "blocks" && key_ != "notes")) return Fail("an array out of place");
    return in_array_ = true;
  }
  bool end_array() override {
    in_array_ = false;
    return filled_ == 0 ? true : Fail("the last block is not whole");
  }
  bool string(string_t& value) override {
    if (in_array_ && key_ == "notes") {
      if (document.notes.size() >= kMaxNotes) return Fail("too many notes");
      document.notes.push_back(std::move(value));
      return true;
    }
    if (in_array_) return Fail("a string among numbers");
    if (key_ == "title") return document.title = std::move(value), true;
    if (key_ == "text") return document.text = std::move(value), true;
    if (key_ == "format") return document.format = std::move(value), true;
    return Fail("an unknown string");
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (in_array_ && key_ == "blocks") return AddNumber(value);
    if (in_array_ || key_ != "page_count" || value > UINT32_MAX) return Fail("a number out of place");
    document.page_count = static_cast<uint32_t>(value);
    return true;
  }
  bool number_integer(number_integer_t) override { return Fail("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return Fail("a fraction"); }
  bool boolean(bool) override { return Fail("a truth value"); }
  bool null() override { return Fail("a null"); }
  bool binary(binary_t&) override { return Fail("binary data"); }
  bool parse_error(size_t at, const std::string&, const nlohmann::detail::exception&) override {
    return Fail(fmt::format("not JSON at byte {}", at));
  }

 private:
  bool Fail(std::string_view what) {
    if (problem.empty()) problem = what;
    return false;
  }
  bool AddNumber(uint64_t value) {
    numbers_[filled_++] = value;
    if (filled_ < kNumbersPerBlock) return true;
    filled_ = 0;
    if (document.blocks.size() >= limits_.blocks) return Fail("too many blocks");
    if (numbers_[0] >= kBlockKindCount || numbers_[1] > 255 || numbers_[2] > UINT32_MAX) return Fail("an odd block");
    document.blocks.push_back({static_cast<BlockKind>(numbers_[0]), static_cast<uint8_t>(numbers_[1]),
                               static_cast<uint32_t>(numbers_[2]), numbers_[3], numbers_[4]});
    return true;
  }

  const DocumentLimits limits_;
  std::string key_;
  int objects_ = 0;
  bool in_array_ = false;
  size_t filled_ = 0;
  std::array<uint64_t, kNumbersPerBlock> numbers_{};
};

std::string Quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string ToJson(const Document& document) {
  std::string out = fmt::format(R"({{"format":{},"title":{},"page_count":{},"notes":[)", Quoted(document.format),
                                Quoted(document.title), document.page_count);
  for (size_t i = 0; i < document.notes.size(); ++i) out.append(i ? "," : "").append(Quoted(document.notes[i]));
  out.append("],\"blocks\":[");
  for (size_t i = 0; i < document.blocks.size(); ++i) {
    const Block& block = document.blocks[i];
    fmt::format_to(std::back_inserter(out), "{}{},{},{},{},{}", i ? "," : "", static_cast<int>(block.kind), block.level,
                   block.page, block.begin, block.end);
  }
  out.append("],\"text\":").append(Quoted(document.text)).append("}");
  return out;
}

Result<Document> FromJson(std::string_view json, const DocumentLimits& limits) {
  // Each byte of text may take six (\u00XX), each number of a block at most 21.
  const uint64_t most = limits.text_bytes * 6 + limits.blocks * kNumbersPerBlock * 21 + (uint64_t{16} << 20);
  if (json.size() > most) return BadJson(fmt::format("{} bytes, at most {} allowed", json.size(), most));
  Reader reader(limits);
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &reader)) {
    return BadJson(reader.problem.empty() ? "not JSON" : reader.problem);
  }
  PLIMSOLL_TRY(Validate(reader.document, limits));
  return std::move(reader.document);
}

}  // namespace plimsoll::documents
