// How the fields of a message are written and read, so that each message has one table of fields for both directions:
//   template <class Io, Is<BenchRequest> M> void Fields(Io& io, M& m) { io("prompt_tokens", m.prompt_tokens); ... }
// where Io is FieldWriter (m is const) or FieldReader. A reader keeps the first thing that is wrong and goes on with
// defaults. What JSON is bad at goes into the frame's tail: at most one field of a message. Inside this room only.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "worker/frames.h"

namespace plimsoll::worker {

template <class M, class T>
concept Is = std::same_as<std::remove_const_t<M>, T>;

class FieldWriter {
 public:
  static constexpr bool kReads = false;
  FieldWriter(nlohmann::json& object, std::string& tail) : object_(object), tail_(tail) {}

  void operator()(const char* key, uint64_t value);
  void operator()(const char* key, uint32_t value);
  void operator()(const char* key, int value);
  void operator()(const char* key, double value);
  void operator()(const char* key, bool value);
  void operator()(const char* key, const std::string& value);
  void operator()(const char* key, const std::optional<double>& value);
  void operator()(const char* key, const std::optional<uint64_t>& value);
  void operator()(const char* key, const std::vector<std::string>& values);
  void operator()(const char* key, const std::vector<uint32_t>& values);
  void operator()(const char* key, const std::vector<bool>& values);
  void operator()(const char* key, std::span<const uint64_t> values);  // of a fixed number

  template <class Enum>
  void Named(const char* key, Enum value, std::initializer_list<Enum>) {
    (*this)(key, std::string(NameOf(value)));
  }
  template <class T>
  void Object(const char* key, const T& object) {
    FieldWriter child = Child(key);
    Fields(child, object);
  }
  template <class T>
  void List(const char* key, const std::vector<T>& objects) {
    BeginList(key);
    for (const T& object : objects) {
      FieldWriter child = Append(key);
      Fields(child, object);
    }
  }

  template <class T>
  void Tail(const std::vector<T>& numbers) {
    tail_.assign(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T));
  }
  void TailBytes(const std::string& bytes) { tail_ = bytes; }
  // Lists of numbers: all of them in the tail, their lengths under the key.
  void TailLists(const char* key, const std::vector<std::vector<int32_t>>& lists);

 private:
  FieldWriter Child(const char* key);
  void BeginList(const char* key);
  FieldWriter Append(const char* key);
  nlohmann::json& object_;
  std::string& tail_;
};

class FieldReader {
 public:
  static constexpr bool kReads = true;
  FieldReader(const nlohmann::json& object, std::string_view tail, std::string& problem);

  void operator()(const char* key, uint64_t& value);
  void operator()(const char* key, uint32_t& value);
  void operator()(const char* key, int& value);  // a small number from 0 on
  void operator()(const char* key, double& value);
  void operator()(const char* key, bool& value);
  void operator()(const char* key, std::string& value);
  void operator()(const char* key, std::optional<double>& value);
  void operator()(const char* key, std::optional<uint64_t>& value);
  void operator()(const char* key, std::vector<std::string>& values);
  void operator()(const char* key, std::vector<uint32_t>& values);
  void operator()(const char* key, std::vector<bool>& values);
  void operator()(const char* key, std::span<uint64_t> values);

  template <class Enum>
  void Named(const char* key, Enum& value, std::initializer_list<Enum> all) {
    std::string name;
    (*this)(key, name);
    for (const Enum one : all) {
      if (NameOf(one) != name) continue;
      value = one;
      return;
    }
    Fail(key);
  }
  template <class T>
  void Object(const char* key, T& object) {
    FieldReader child = Child(key);
    Fields(child, object);
  }
  template <class T>
  void List(const char* key, std::vector<T>& objects) {
    const size_t count = Count(key);
    for (size_t i = 0; i < count; ++i) {
      FieldReader child = Item(key, i);
      Fields(child, objects.emplace_back());
    }
  }

  template <class T>
  void Tail(std::vector<T>& numbers) {
    numbers.resize(tail_.size() / sizeof(T));
    if (tail_.size() % sizeof(T) != 0) Fail("tail");
    if (!numbers.empty()) std::memcpy(numbers.data(), tail_.data(), numbers.size() * sizeof(T));
    if constexpr (std::is_floating_point_v<T>) CheckFinite(numbers);
  }
  void TailBytes(std::string& bytes) { bytes = tail_; }
  void TailLists(const char* key, std::vector<std::vector<int32_t>>& lists);

  void Fail(std::string_view what);

 private:
  const nlohmann::json* Find(const char* key) const;
  const nlohmann::json& Array(const char* key);
  uint64_t Number(const char* key, uint64_t most);
  void CheckFinite(std::span<const float> numbers);
  FieldReader Child(const char* key);
  size_t Count(const char* key) { return SizeOf(Array(key)); }
  static size_t SizeOf(const nlohmann::json& array);
  FieldReader Item(const char* key, size_t index);
  const nlohmann::json& object_;
  std::string_view tail_;
  std::string& problem_;
};

// Around the fields of a body: number and kind, by a name from the list in the order of the variant.
Frame WriteFrame(uint64_t id, std::string_view type, void (*put)(FieldWriter&, const void*), const void* body);
struct Envelope {
  uint64_t id = 0;
  size_t index = 0;
};
// kInvalid with what is wrong. `get(reader, index, message)` reads the fields of the kind with that index.
Result<Envelope> ReadFrame(const Frame& frame, std::span<const std::string_view> names,
                           void (*get)(FieldReader&, size_t index, void* body), void* body);

template <class Body, size_t I = 0>
void ReadBody(FieldReader& reader, size_t index, void* body) {
  if constexpr (I < std::variant_size_v<Body>) {
    if (index == I) return Fields(reader, static_cast<Body*>(body)->template emplace<I>());
    ReadBody<Body, I + 1>(reader, index, body);
  }
}

template <class Message, size_t N>
Frame EncodeMessage(const Message& message, const std::array<std::string_view, N>& names) {
  const auto put = [](FieldWriter& writer, const void* body) {
    std::visit([&](const auto& one) { Fields(writer, one); }, *static_cast<const decltype(message.body)*>(body));
  };
  return WriteFrame(message.id, names[message.body.index()], put, &message.body);
}

template <class Message, size_t N>
Result<Message> DecodeMessage(const Frame& frame, const std::array<std::string_view, N>& names) {
  Message message;
  PLIMSOLL_ASSIGN(const Envelope envelope, ReadFrame(frame, names, &ReadBody<decltype(message.body)>, &message.body));
  message.id = envelope.id;
  return message;
}

}  // namespace plimsoll::worker
