#include "checkpoint/gguf.h"

#include <array>
#include <bit>
#include <unordered_set>

#include <fmt/format.h>

#include "base/checked.h"
#include "checkpoint/gguf_reader.h"

namespace plimsoll::checkpoint {
namespace {

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr uint64_t kMaxKeys = 65536;
constexpr uint64_t kLeastKeyBytes = 8 + 1 + 4 + 1;      // length, name, type, value
constexpr uint64_t kLeastTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;  // length, name, rank, dimension, type, offset
constexpr uint64_t kMaxRank = 4;
constexpr uint64_t kMaxAlignment = 1 << 20;

// Bytes of a value of each type; 0 for texts and arrays.
constexpr std::array<uint32_t, 13> kValueBytes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

// Names of the tensor types by their number, to say which one is not read.
constexpr std::array<std::string_view, 40> kTypeNames = {
    "F32", "F16", "Q4_0", "Q4_1", "Q4_2", "Q4_3", "Q5_0", "Q5_1", "Q8_0", "Q8_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K",
    "Q6_K", "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS", "I8", "I16", "I32",
    "I64", "F64", "IQ1_M", "BF16", "Q4_0_4_4", "Q4_0_4_8", "Q4_0_8_8", "TQ1_0", "TQ2_0", "IQ4_NL_4_4", "IQ4_NL_4_8",
    "IQ4_NL_8_8", "MXFP4"};

uint64_t SignExtended(GgufType type, uint64_t bits) {
  switch (type) {
    case GgufType::kInt8: return static_cast<uint64_t>(int64_t{static_cast<int8_t>(bits)});
    case GgufType::kInt16: return static_cast<uint64_t>(int64_t{static_cast<int16_t>(bits)});
    case GgufType::kInt32: return static_cast<uint64_t>(int64_t{static_cast<int32_t>(bits)});
    default: return bits;
  }
}

}  // namespace

// Reads the header once, from the first byte to where the data begins.
class GgufParser {
 public:
  GgufParser(GgufFile& gguf, const StopToken& stop)
      : gguf_(gguf), stop_(stop), reader_(gguf.file_, gguf.status_.size_bytes) {}

  Result<void> Parse() {
    PLIMSOLL_TRY(ReadMagic());
    PLIMSOLL_ASSIGN(const uint64_t tensors, reader_.Number(8, "the number of tensors"));
    PLIMSOLL_ASSIGN(const uint64_t keys, reader_.Number(8, "the number of metadata keys"));
    PLIMSOLL_TRY(CheckCount("metadata keys", keys, kLeastKeyBytes, kMaxKeys));
    PLIMSOLL_TRY(CheckCount("tensors", tensors, kLeastTensorBytes, kMaxTensors));
    for (uint64_t i = 0; i < keys; ++i) PLIMSOLL_TRY(ReadKey());
    PLIMSOLL_TRY(ReadAlignment());
    for (uint64_t i = 0; i < tensors; ++i) PLIMSOLL_TRY(ReadTensor());
    return PlaceTensors();
  }

 private:
  Result<void> ReadMagic() {
    PLIMSOLL_ASSIGN(const uint64_t magic, reader_.Number(4, "the magic number"));
    if (magic != kMagic) return reader_.Fail("this is not a GGUF file: it does not begin with the letters GGUF");
    PLIMSOLL_ASSIGN(const uint64_t version, reader_.Number(4, "the version"));
    if (version == 2 || version == 3) return {};
    Error error = reader_.Fail(fmt::format("GGUF version {} is not supported, 2 and 3 are", version));
    if ((version & 0xffff) == 0 && version != 0) error.message = "this GGUF file is in big-endian order, which is not supported";
    error.code = ErrorCode::kUnsupported;
    error.next = "fetch a newer GGUF of this model";
    return error;
  }

  Result<void> CheckCount(const char* what, uint64_t count, uint64_t least_bytes, uint64_t most) const {
    if (count > most || count > reader_.remaining() / least_bytes) {
      return reader_.Fail(fmt::format("the header claims {} {}, but {} bytes remain and {} are the most", count, what,
                                      reader_.remaining(), most));
    }
    return {};
  }

  Result<void> CheckHeaderSize() const {
    if (reader_.position() <= kMaxHeaderBytes) return stop_.Check();
    return reader_.Fail(fmt::format("the metadata takes more than {} bytes", kMaxHeaderBytes));
  }

  Result<GgufType> ReadType(const std::string& key) {
    PLIMSOLL_ASSIGN(const uint64_t type, reader_.Number(4, "the type of a metadata value"));
    if (type >= kValueBytes.size()) {
      return reader_.Fail(fmt::format("the value of {} is of the unknown type {}", Quoted(key), type));
    }
    return static_cast<GgufType>(type);
  }

  Result<void> ReadKey() {
    PLIMSOLL_TRY(CheckHeaderSize());
    PLIMSOLL_ASSIGN(const std::string key, reader_.Text(kMaxNameBytes, "a metadata key"));
    GgufValue value;
    PLIMSOLL_ASSIGN(value.type, ReadType(key));
    if (value.type == GgufType::kArray) {
      PLIMSOLL_TRY(ReadArray(key, value));
    } else if (value.type == GgufType::kString) {
      PLIMSOLL_ASSIGN(value.count, reader_.Number(8, "the length of a text"));
      value.offset = reader_.position();
      PLIMSOLL_TRY(reader_.Skip(value.count, "a text of the metadata"));
    } else {
      PLIMSOLL_ASSIGN(const uint64_t bits, reader_.Number(kValueBytes[static_cast<size_t>(value.type)], "a metadata value"));
      value.bits = SignExtended(value.type, bits);
    }
    if (!gguf_.values_.emplace(key, value).second) {
      return reader_.Fail(fmt::format("the metadata key {} is there twice", Quoted(key)));
    }
    return {};
  }

  Result<void> ReadArray(const std::string& key, GgufValue& value) {
    PLIMSOLL_ASSIGN(value.element, ReadType(key));
    PLIMSOLL_ASSIGN(value.count, reader_.Number(8, "the length of an array"));
    value.offset = reader_.position();
    if (value.element == GgufType::kArray) return reader_.Fail(fmt::format("{} is an array of arrays", Quoted(key)));
    const uint64_t element_bytes = kValueBytes[static_cast<size_t>(value.element)];
    const uint64_t least = element_bytes == 0 ? 8 : element_bytes;
    if (value.count > reader_.remaining() / least) {
      return reader_.Fail(fmt::format("{} claims {} elements, but {} bytes remain", Quoted(key), value.count,
                                      reader_.remaining()));
    }
    if (element_bytes > 0) {
      PLIMSOLL_TRY(reader_.Skip(value.count * element_bytes, "an array of the metadata"));
    } else {
      for (uint64_t i = 0; i < value.count; ++i) {
        PLIMSOLL_ASSIGN(const uint64_t length, reader_.Number(8, "a text of an array"));
        PLIMSOLL_TRY(reader_.Skip(length, "a text of an array"));
        if (i % 4096 == 0) PLIMSOLL_TRY(CheckHeaderSize());
      }
    }
    value.bytes = reader_.position() - value.offset;
    return {};
  }

  Result<void> ReadAlignment() {
    const GgufValue* value = gguf_.Find("general.alignment");
    if (value == nullptr) return {};
    PLIMSOLL_ASSIGN(const auto alignment, gguf_.Unsigned("general.alignment"));
    if (*alignment < 8 || *alignment > kMaxAlignment || !std::has_single_bit(*alignment)) {
      return reader_.Fail(fmt::format("the alignment {} is not a power of two between 8 and {}", *alignment, kMaxAlignment));
    }
    alignment_ = *alignment;
    return {};
  }

  Result<void> ReadTensor() {
    PLIMSOLL_TRY(CheckHeaderSize());
    RawTensor tensor;
    PLIMSOLL_ASSIGN(tensor.name, reader_.Text(kMaxNameBytes, "a tensor's name"));
    if (tensor.name.empty()) return reader_.Fail("a tensor has no name");
    if (!seen_.insert(tensor.name).second) return reader_.Fail(fmt::format("tensor {} is there twice", Quoted(tensor.name)));
    PLIMSOLL_ASSIGN(const uint64_t rank, reader_.Number(4, "a tensor's number of dimensions"));
    if (rank == 0 || rank > kMaxRank) {
      return reader_.Fail(fmt::format("tensor {} has {} dimensions, between 1 and {} are possible", Quoted(tensor.name),
                                      rank, kMaxRank));
    }
    tensor.shape.resize(rank);
    for (uint64_t i = rank; i-- > 0;) {  // the file has the innermost first
      PLIMSOLL_ASSIGN(tensor.shape[i], reader_.Number(8, "a tensor's dimension"));
      if (tensor.shape[i] == 0 || tensor.shape[i] > INT64_MAX) {
        return reader_.Fail(fmt::format("tensor {} has a dimension of {}", Quoted(tensor.name),
                                        static_cast<int64_t>(tensor.shape[i])));
      }
    }
    return ReadTypeAndPlace(std::move(tensor));
  }

  Result<void> ReadTypeAndPlace(RawTensor tensor) {
    PLIMSOLL_ASSIGN(const uint64_t type, reader_.Number(4, "a tensor's type"));
    PLIMSOLL_ASSIGN(tensor.offset, reader_.Number(8, "a tensor's offset"));
    if (type >= kTypeNames.size()) {
      return reader_.Fail(fmt::format("tensor {} is of the unknown type {}", Quoted(tensor.name), type));
    }
    tensor.type_name = kTypeNames[type];
    tensor.dtype = tensor::DTypeOfGgml(static_cast<uint32_t>(type));
    if (!tensor.dtype) return UnsupportedType(tensor, TypesOf::kGguf).In(gguf_.path()).At(reader_.position());
    const tensor::DTypeTraits& traits = tensor::TraitsOf(*tensor.dtype);
    const auto bytes = ByteSize(tensor.shape, traits.block_elements, traits.block_bytes);
    if (!bytes) {
      return reader_.Fail(fmt::format("the shape {} of tensor {} is not possible for {}: rows are not whole blocks, or it "
                                      "takes more than 64 bits of bytes", ShapeText(tensor.shape), Quoted(tensor.name),
                                      tensor.type_name));
    }
    tensor.bytes = *bytes;
    if (tensor.offset % alignment_ != 0) {
      return reader_.Fail(fmt::format("the data of tensor {} begins at {}, which is no multiple of the alignment {}",
                                      Quoted(tensor.name), tensor.offset, alignment_));
    }
    gguf_.tensors_.push_back(std::move(tensor));
    return {};
  }

  Result<void> PlaceTensors() {
    if (gguf_.tensors_.empty()) return {};
    const uint64_t size = gguf_.status_.size_bytes;
    const uint64_t begin = RoundUp(reader_.position(), alignment_);
    for (RawTensor& tensor : gguf_.tensors_) {
      if (begin > size || !RangeFits(tensor.offset, tensor.bytes, size - begin)) {
        const auto end = CheckedAdd(tensor.offset, tensor.bytes);
        const auto needs = end ? CheckedAdd(*end, begin) : std::nullopt;
        return MakeError(ErrorCode::kInvalid, fmt::format("truncated: tensor {} needs {} bytes of file, it has {}",
                                                          Quoted(tensor.name), needs.value_or(UINT64_MAX), size))
            .In(gguf_.path())
            .Next("fetch this file again");
      }
      tensor.offset += begin;
    }
    return CheckCoverage(gguf_.tensors_, begin, size, alignment_ - 1, gguf_.path());
  }

  GgufFile& gguf_;
  const StopToken& stop_;
  GgufReader reader_;
  uint64_t alignment_ = 32;
  std::unordered_set<std::string> seen_;
};

Result<GgufFile> GgufFile::Open(const std::string& path, const StopToken& stop) {
  GgufFile gguf;
  PLIMSOLL_ASSIGN(gguf.file_, platform::File::Open(path, platform::File::Mode::kRead));
  PLIMSOLL_ASSIGN(gguf.status_, gguf.file_.Status());
  GgufParser parser(gguf, stop);
  PLIMSOLL_TRY(parser.Parse());
  return gguf;
}

}  // namespace plimsoll::checkpoint
