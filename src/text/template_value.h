// Values of a chat template while it is rendered. A text knows for each of its bytes whether it may be trusted: literals
// of the template may, whatever came in with the messages may not, and every operation carries that along.
// Lists and dictionaries never change once made (the reference environment forbids it too), so values form no cycles,
// and each knows how deep it is nested and how much it weighs: what is too much is refused before anything walks it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace plimsoll::text {

// Ends an evaluation; stops at ChatTemplate's functions, which give the error it holds.
struct TemplateFailure {
  Error error;
};
[[noreturn]] void FailTemplate(std::string message);
[[noreturn]] void FailUnsupported(std::string message);

struct Text {
  std::string bytes;
  std::string origin;  // one byte for each of bytes: 1 trusted, 0 not
  bool safe = false;   // Python's Markup, which the filters safe and escape make: what is joined to it is escaped for HTML

  Text() = default;
  Text(std::string_view text, bool trusted) : bytes(text), origin(text.size(), trusted ? 1 : 0) {}
  void Append(std::string_view text, bool trusted) {
    bytes.append(text);
    origin.append(text.size(), trusted ? 1 : 0);
  }
  void Append(const Text& other) { Append(other, 0, other.bytes.size()); }
  void Append(const Text& other, size_t at, size_t length) {
    bytes.append(other.bytes, at, length);
    origin.append(other.origin, at, length);
  }
  Text Sub(size_t at, size_t length) const {
    Text part;
    part.Append(*this, at, length);
    part.safe = safe;
    return part;
  }
};

struct Undefined {};
struct None {};
struct List;
struct Dict;
struct Loop;       // these five belong to the interpreter and live as long as it does
struct Macro;
struct Namespace;
struct Cycler;
struct Generator;
struct Method;
class BigInteger;

enum class Function : uint8_t { kRange, kNamespace, kDict, kRaise, kStrftime, kCycler, kJoiner };

class Value {
 public:
  using Variant = std::variant<Undefined, None, bool, int64_t, double, std::shared_ptr<const BigInteger>, std::shared_ptr<const Text>, std::shared_ptr<const List>,
                               std::shared_ptr<const Dict>, std::shared_ptr<const Method>, Function, Loop*, Macro*, Namespace*, Cycler*, Generator*>;

  Value() = default;
  Value(Variant variant) : variant_(std::move(variant)) {}  // NOLINT: implicit on purpose
  Value(Text text) : variant_(std::make_shared<const Text>(std::move(text))) {}  // NOLINT: implicit on purpose

  template <class T>
  bool Is() const {
    return std::holds_alternative<T>(variant_);
  }
  template <class T>
  const T& As() const {
    return std::get<T>(variant_);
  }
  const Text* text() const { return Pointer<Text>(); }
  const List* list() const { return Pointer<List>(); }
  const Dict* dict() const { return Pointer<Dict>(); }
  const Method* method() const { return Pointer<Method>(); }
  bool undefined() const { return Is<Undefined>(); }
  bool none() const { return Is<None>(); }
  bool is_integer() const { return Is<int64_t>() || Is<bool>(); }
  const BigInteger* big() const { return Pointer<BigInteger>(); }  // only beyond 64 bits
  bool is_whole() const { return is_integer() || big() != nullptr; }
  bool is_number() const { return is_whole() || Is<double>(); }
  int64_t integer() const { return Is<bool>() ? As<bool>() : As<int64_t>(); }
  double number() const { return Is<double>() ? As<double>() : big() != nullptr ? NumberOfBig() : static_cast<double>(integer()); }

 private:
  double NumberOfBig() const;
  template <class T>
  const T* Pointer() const {
    const auto* pointer = std::get_if<std::shared_ptr<const T>>(&variant_);
    return pointer == nullptr ? nullptr : pointer->get();
  }
  Variant variant_;
};

// What Python calls a list, and what only reads like one: each prints and compares in its own way.
enum class ListKind : uint8_t { kList, kTuple, kGroup, kRange, kItems, kKeys, kValues };

struct List {
  std::vector<Value> items;
  ListKind kind = ListKind::kList;
  int depth = 1;
  uint64_t weight = 1;
  std::string shown;  // of kRange: how it prints

  bool tuple() const { return kind == ListKind::kTuple || kind == ListKind::kGroup; }
  bool list_or_tuple() const { return kind == ListKind::kList || tuple(); }
};

struct Dict {
  std::vector<std::pair<Value, Value>> items;  // in order
  int depth = 1;
  uint64_t weight = 1;

  const Value* Find(const Value& key) const;
  const Value* Find(std::string_view key) const;
};

// A method taken from a value, such as the `strip` of a text.
struct Method {
  Value self;
  std::string name;
  int depth = 1;
};

inline constexpr int kMaxValueDepth = 64;
inline constexpr uint64_t kMaxValueWeight = 32u << 20;
inline constexpr size_t kMaxDictKeys = 4096;  // keys are compared one by one

// Bytes of texts and number of values in all, what is shared counted each time that it would be visited.
uint64_t WeightOf(const Value& value);

// These refuse what would be nested too deep or weigh too much.
Value MakeList(std::vector<Value> items, ListKind kind = ListKind::kList, std::string shown = {});
Value MakeDict(std::vector<std::pair<Value, Value>> items);  // of equal keys the last one counts, at the first one's place
Value MakeMethod(Value self, std::string name);
inline Value MakeText(std::string_view text, bool trusted = true) { return Text(text, trusted); }

// Numbers: Python's arithmetic and order.
BigInteger BigOf(const Value& value);  // of a whole number
Value MakeInteger(const BigInteger& integer);
Value NumberArithmetic(std::string_view op, const Value& a, const Value& b);
int OrderOfNumbers(const Value& a, const Value& b);

bool IsTruthy(const Value& value);
bool Equal(const Value& a, const Value& b);
// -1, 0, 1; fails for values that have no order.
int Compare(const Value& a, const Value& b);
// Whether `item` is in the container; fails where there is no such thing.
bool Contains(const Value& container, const Value& item);

// The text as HTML holds it: as it is if it is safe already.
Text EscapedForHtml(const Text& text);

// Python's str() and repr(); undefined is the empty text.
Text ToText(const Value& value);
Text Repr(const Value& value);
std::string ReprOfFloat(double number);
std::string_view TypeName(const Value& value);  // as Python calls it

}  // namespace plimsoll::text
