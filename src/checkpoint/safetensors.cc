#include "checkpoint/safetensors.h"

#include <array>
#include <unordered_set>

#include <fmt/format.h>

#include "base/checked.h"
#include "checkpoint/json.h"
#include "platform/file.h"

namespace plimsoll::checkpoint {
namespace {

constexpr uint64_t kLengthBytes = 8;
constexpr size_t kMaxRank = 8;

struct Type {
  std::string_view name;
  uint32_t bytes;
};
constexpr std::array<Type, 16> kTypes = {{{"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F64", 8}, {"I64", 8}, {"I32", 4},
    {"I16", 2}, {"I8", 1}, {"U64", 8}, {"U32", 4}, {"U16", 2}, {"U8", 1}, {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1},
    {"F8_E8M0", 1}}};

const Type* TypeNamed(std::string_view name) {
  for (const Type& type : kTypes) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

// Collects tensors from the events of a header: an object of objects, and "__metadata__", which is passed over.
class HeaderHandler : public JsonHandler {
 public:
  HeaderHandler(uint64_t data_begin, uint64_t data_bytes, uint32_t file)
      : data_begin_(data_begin), data_bytes_(data_bytes), file_(file) {}

  std::vector<RawTensor> tensors;
  ErrorCode code = ErrorCode::kInvalid;
  std::string refusal;  // why an event was refused

  bool BeginObject() override {
    if (++depth_ == 1) return true;
    if (in_metadata_) return depth_ == 2 || Refuse("__metadata__ may hold texts only");
    if (depth_ != 2) return Refuse(fmt::format("the entry of {} holds an object", Quoted(name_)));
    current_ = RawTensor();
    type_ = nullptr;
    have_shape_ = have_offsets_ = false;
    return true;
  }
  bool EndObject() override {
    if (--depth_ != 1) return true;
    if (in_metadata_) {
      in_metadata_ = false;
      return true;
    }
    return Finish();
  }
  bool BeginArray() override {
    if (depth_ == 0) return Refuse("the header is not an object");
    if (depth_ != 2 || in_metadata_ || (field_ != Field::kShape && field_ != Field::kOffsets) || in_array_) {
      return Refuse(fmt::format("the entry of {} holds an array where none belongs", Quoted(name_)));
    }
    in_array_ = true;
    numbers_.clear();
    return true;
  }
  bool EndArray() override {
    in_array_ = false;
    if (field_ == Field::kShape) {
      have_shape_ = true;
      current_.shape = numbers_;
      return true;
    }
    have_offsets_ = true;
    if (numbers_.size() != 2) return Refuse(fmt::format("data_offsets of {} are not two numbers", Quoted(name_)));
    begin_ = numbers_[0];
    end_ = numbers_[1];
    return true;
  }
  bool Key(std::string_view key) override {
    if (depth_ == 1) return BeginEntry(key);
    if (in_metadata_) return true;
    field_ = key == "dtype" ? Field::kType : key == "shape" ? Field::kShape
             : key == "data_offsets" ? Field::kOffsets : Field::kNone;
    return field_ != Field::kNone || Refuse(fmt::format("the entry of {} has an unknown key {}", Quoted(name_), Quoted(key)));
  }
  bool String(std::string_view value) override {
    if (in_metadata_ && depth_ == 2) return true;
    if (depth_ != 2 || field_ != Field::kType || in_array_) return Misplaced();
    type_ = TypeNamed(value);
    if (type_ != nullptr) return true;
    code = ErrorCode::kUnsupported;
    return Refuse(fmt::format("tensor {} is of the unknown type {}", Quoted(name_), Quoted(value)));
  }
  bool Unsigned(uint64_t value) override {
    if (!in_array_) return Misplaced();
    if (numbers_.size() >= kMaxRank) {
      return Refuse(fmt::format("{} has more than {} dimensions", Quoted(name_), kMaxRank));
    }
    numbers_.push_back(value);
    return true;
  }
  bool Signed(int64_t value) override {
    return Refuse(fmt::format("the entry of {} holds the negative number {}", Quoted(name_), value));
  }
  bool Number(double) override {
    return Refuse(fmt::format("the entry of {} holds a number that is not a whole one of 64 bits", Quoted(name_)));
  }
  bool Bool(bool) override { return Misplaced(); }
  bool Null() override { return Misplaced(); }

 private:
  enum class Field { kNone, kType, kShape, kOffsets };

  bool Refuse(std::string why) {
    refusal = std::move(why);
    return false;
  }
  bool Misplaced() {
    if (depth_ == 0) return Refuse("the header is not an object");
    return Refuse(fmt::format("the entry of {} is not one of a tensor", Quoted(name_)));
  }

  bool BeginEntry(std::string_view key) {
    name_ = key;
    field_ = Field::kNone;
    in_metadata_ = key == "__metadata__";
    if (key.empty() || key.size() > kMaxNameBytes) {
      return Refuse(fmt::format("a tensor's name has {} bytes, between 1 and {} are allowed", key.size(), kMaxNameBytes));
    }
    if (!seen_.insert(name_).second) return Refuse(fmt::format("{} is there twice", Quoted(key)));
    if (seen_.size() > kMaxTensors) return Refuse(fmt::format("more than {} tensors", kMaxTensors));
    return true;
  }

  bool Finish() {
    if (type_ == nullptr || !have_shape_ || !have_offsets_) {
      return Refuse(fmt::format("the entry of {} lacks dtype, shape or data_offsets", Quoted(name_)));
    }
    const auto bytes = ByteSize(current_.shape, 1, type_->bytes);
    if (!bytes) {
      return Refuse(fmt::format("the shape {} of {} takes more than 64 bits of bytes", ShapeText(current_.shape),
                                Quoted(name_)));
    }
    if (begin_ > end_ || !RangeFits(begin_, end_ - begin_, data_bytes_)) {
      return Refuse(fmt::format("truncated: the data of {} ends at byte {}, but the file has {}", Quoted(name_),
                                end_ > UINT64_MAX - data_begin_ ? end_ : data_begin_ + end_, data_begin_ + data_bytes_));
    }
    if (end_ - begin_ != *bytes) {
      return Refuse(fmt::format("{} has {} bytes of data, but {} {} takes {}", Quoted(name_), end_ - begin_, type_->name,
                                ShapeText(current_.shape), *bytes));
    }
    current_.name = name_;
    current_.type_name = type_->name;
    current_.dtype = tensor::DTypeOfSafetensors(type_->name);
    current_.file = file_;
    current_.offset = data_begin_ + begin_;
    current_.bytes = *bytes;
    tensors.push_back(std::move(current_));
    return true;
  }

  const uint64_t data_begin_;
  const uint64_t data_bytes_;
  const uint32_t file_;
  size_t depth_ = 0;
  bool in_metadata_ = false;
  bool in_array_ = false;
  Field field_ = Field::kNone;
  std::string name_;
  RawTensor current_;
  const Type* type_ = nullptr;
  bool have_shape_ = false;
  bool have_offsets_ = false;
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
  std::vector<uint64_t> numbers_;
  std::unordered_set<std::string> seen_;
};

Error Truncated(const std::string& path, uint64_t has, uint64_t needs) {
  return MakeError(ErrorCode::kInvalid, fmt::format("truncated: the file has {} bytes, its header needs {}", has, needs))
      .In(path)
      .Next("fetch this file again");
}

Result<std::string> ReadHeader(const platform::File& file, uint64_t size) {
  if (size < kLengthBytes) return Truncated(file.path(), size, kLengthBytes);
  std::array<std::byte, kLengthBytes> raw;
  PLIMSOLL_TRY(file.ReadAt(0, raw));
  uint64_t length = 0;
  for (size_t i = kLengthBytes; i-- > 0;) length = length << 8 | static_cast<uint64_t>(raw[i]);
  if (length > kMaxHeaderBytes) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the header claims {} bytes, at most {} are allowed", length,
                                                      kMaxHeaderBytes))
        .In(file.path()).At(0).Because("this is not a safetensors file, or it is damaged");
  }
  if (length > size - kLengthBytes) return Truncated(file.path(), size, kLengthBytes + length);
  std::string text(length, '\0');
  PLIMSOLL_TRY(file.ReadAt(kLengthBytes, std::as_writable_bytes(std::span(text))));
  return text;
}

}  // namespace

Result<std::vector<RawTensor>> ReadSafetensors(const std::string& path, const std::string& name, uint32_t file_index,
                                               SourceFile& source, const StopToken& stop) {
  PLIMSOLL_TRY(stop.Check());
  PLIMSOLL_ASSIGN(const platform::File file, platform::File::Open(path, platform::File::Mode::kRead));
  PLIMSOLL_ASSIGN(const platform::FileStatus status, file.Status());
  source = {path, name, status.size_bytes, status.modified_ns, status.inode};
  std::vector<RawTensor> tensors;
  uint64_t data_begin = 0;
  {
    PLIMSOLL_ASSIGN(const std::string header, ReadHeader(file, status.size_bytes));
    data_begin = kLengthBytes + header.size();
    HeaderHandler handler(data_begin, status.size_bytes - data_begin, file_index);
    auto parsed = ParseJson(header, handler);
    if (!parsed && !handler.refusal.empty()) {
      return MakeError(handler.code, std::move(handler.refusal)).In(path);
    }
    if (!parsed) {
      Error error = Prefixed(std::move(parsed).error(), "the header is damaged");
      if (error.offset) *error.offset += kLengthBytes;
      return std::move(error).In(path);
    }
    tensors = std::move(handler.tensors);
  }
  PLIMSOLL_TRY(CheckCoverage(tensors, data_begin, status.size_bytes, 0, path));
  return tensors;
}

}  // namespace plimsoll::checkpoint
