// Reads sentencepiece_model.proto of the sentencepiece project in the wire format of protocol buffers. Only the fields that
// decide about tokens are looked at. Every length is compared with what is left before it is used.
#include "text/sentencepiece_model.h"

#include <fmt/format.h>

#include <bit>
#include <optional>

namespace plimsoll::text {
namespace {

constexpr size_t kMaxPieces = size_t{TokenTable::kMaxId} + 1;

Error Broken(size_t left) {
  return MakeError(ErrorCode::kInvalid, fmt::format("the sentencepiece model is not a whole protocol buffer: something is wrong {} bytes before its end", left));
}

// One field of a message: a number, or bytes.
struct Field {
  uint32_t number = 0;
  uint64_t value = 0;
  std::string_view bytes;
};

class Message {
 public:
  explicit Message(std::string_view bytes) : rest_(bytes) {}

  // nullopt at the end.
  Result<std::optional<Field>> Next() {
    if (rest_.empty()) return std::optional<Field>();
    Field field;
    PLIMSOLL_ASSIGN(const uint64_t tag, Varint());
    field.number = static_cast<uint32_t>(tag >> 3);
    switch (tag & 7) {
      case 0: {
        PLIMSOLL_ASSIGN(field.value, Varint());
        break;
      }
      case 1: {
        PLIMSOLL_ASSIGN(field.value, Fixed(8));
        break;
      }
      case 2: {
        PLIMSOLL_ASSIGN(const uint64_t length, Varint());
        if (length > rest_.size()) return Broken(rest_.size());
        field.bytes = rest_.substr(0, length);
        rest_.remove_prefix(length);
        break;
      }
      case 5: {
        PLIMSOLL_ASSIGN(field.value, Fixed(4));
        break;
      }
      default: return Broken(rest_.size());
    }
    return std::optional<Field>(field);
  }

 private:
  Result<uint64_t> Varint() {
    uint64_t value = 0;
    for (size_t i = 0; i < 10 && i < rest_.size(); ++i) {
      const auto byte = static_cast<uint8_t>(rest_[i]);
      value |= uint64_t{byte & 0x7Fu} << (7 * i);
      if ((byte & 0x80) != 0) continue;
      rest_.remove_prefix(i + 1);
      return value;
    }
    return Broken(rest_.size());
  }

  Result<uint64_t> Fixed(size_t size) {
    if (rest_.size() < size) return Broken(rest_.size());
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) value |= uint64_t{static_cast<uint8_t>(rest_[i])} << (8 * i);
    rest_.remove_prefix(size);
    return value;
  }

  std::string_view rest_;
};

// Calls read(field) -> Result<void> for each field.
template <class Read>
Result<void> ForEachField(std::string_view bytes, Read read) {
  Message message(bytes);
  while (true) {
    PLIMSOLL_ASSIGN(const std::optional<Field> field, message.Next());
    if (!field) return {};
    PLIMSOLL_TRY(read(*field));
  }
}

Result<void> ReadPiece(std::string_view bytes, SentencePieceModel& model) {
  std::string_view text;
  float score = 0;
  uint64_t type = 1;
  PLIMSOLL_TRY(ForEachField(bytes, [&](const Field& field) -> Result<void> {
    if (field.number == 1) text = field.bytes;
    if (field.number == 2) score = std::bit_cast<float>(static_cast<uint32_t>(field.value));
    if (field.number == 3) type = field.value;
    return {};
  }));
  if (type < 1 || type > 6 || model.pieces.size() >= kMaxPieces || text.empty()) {
    return MakeError(ErrorCode::kInvalid, fmt::format("piece {} of the sentencepiece model is empty, of the unknown type {}, or one too many", model.pieces.size(), type));
  }
  model.pieces.push_back(text);
  model.scores.push_back(score);
  model.types.push_back(static_cast<PieceType>(type));
  return {};
}

Result<void> ReadTrainerSpec(std::string_view bytes, SentencePieceModel& model) {
  uint64_t type = 1;
  model.bos = 1;
  model.eos = 2;
  PLIMSOLL_TRY(ForEachField(bytes, [&](const Field& field) -> Result<void> {
    if (field.number == 3) type = field.value;
    if (field.number == 24) model.whitespace_as_suffix = field.value != 0;
    if (field.number == 41) model.bos = static_cast<int32_t>(field.value);
    if (field.number == 42) model.eos = static_cast<int32_t>(field.value);
    if (field.number == 43) model.pad = static_cast<int32_t>(field.value);
    return {};
  }));
  if (type != 1 && type != 2) {
    return MakeError(ErrorCode::kUnsupported, fmt::format("the sentencepiece model is of type {}, not of type 1 (Unigram) or 2 (BPE)", type))
        .Next("fetch the model's tokenizer.json into this folder");
  }
  model.unigram = type == 1;
  return {};
}

Result<void> ReadNormalizerSpec(std::string_view bytes, SentencePieceModel& model) {
  return ForEachField(bytes, [&](const Field& field) -> Result<void> {
    if (field.number == 2) model.charsmap = field.bytes;
    if (field.number == 3) model.add_dummy_prefix = field.value != 0;
    if (field.number == 4) model.remove_extra_whitespaces = field.value != 0;
    if (field.number == 5) model.escape_whitespaces = field.value != 0;
    return {};
  });
}

Result<void> CheckDenormalizer(std::string_view bytes) {
  return ForEachField(bytes, [](const Field& field) -> Result<void> {
    if (field.number != 2 || field.bytes.empty()) return {};
    return MakeError(ErrorCode::kUnsupported, "the sentencepiece model has a denormalizer, which is not supported")
        .Next("fetch the model's tokenizer.json into this folder");
  });
}

}  // namespace

Result<SentencePieceModel> ParseSentencePiece(std::string_view bytes) {
  SentencePieceModel model;
  PLIMSOLL_TRY(ReadTrainerSpec({}, model));  // the defaults of a file that says nothing
  PLIMSOLL_TRY(ForEachField(bytes, [&](const Field& field) -> Result<void> {
    if (field.number == 1) return ReadPiece(field.bytes, model);
    if (field.number == 2) return ReadTrainerSpec(field.bytes, model);
    if (field.number == 3) return ReadNormalizerSpec(field.bytes, model);
    if (field.number == 5) return CheckDenormalizer(field.bytes);
    return {};
  }));
  if (model.pieces.empty()) return MakeError(ErrorCode::kInvalid, "the sentencepiece model has no pieces");
  return model;
}

}  // namespace plimsoll::text
