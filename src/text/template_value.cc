#include "text/template_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "text/template_case.h"
#include "text/template_integer.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

int DepthOf(const Value& value) {
  if (const List* list = value.list()) return list->depth;
  if (const Dict* dict = value.dict()) return dict->depth;
  if (const Method* method = value.method()) return method->depth;
  return 0;
}

int Deeper(int depth) {
  if (depth >= kMaxValueDepth) FailTemplate(fmt::format("the chat template makes a value nested more than {} levels deep", kMaxValueDepth));
  return depth + 1;
}

uint64_t Heavier(uint64_t weight, const Value& part) {
  weight += WeightOf(part);
  if (weight > kMaxValueWeight) FailTemplate(fmt::format("the chat template makes a value of more than {} bytes", kMaxValueWeight));
  return weight;
}

template <class T>
int Order(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

bool EqualLists(const List& a, const List& b) {
  return (a.kind == b.kind || (a.tuple() && b.tuple())) && std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), Equal);
}

bool EqualDicts(const Dict& a, const Dict& b) {
  return a.items.size() == b.items.size() && std::all_of(a.items.begin(), a.items.end(), [&b](const auto& item) {
    const Value* other = b.Find(item.first);
    return other != nullptr && Equal(item.second, *other);
  });
}

// One character of a text in Python's repr; `quote` is the one that the text is enclosed by.
std::string Escaped(const CodePoint& point, std::string_view bytes, char quote) {
  const char32_t c = point.value;
  if (c == '\n') return "\\n";
  if (c == '\r') return "\\r";
  if (c == '\t') return "\\t";
  if (c == '\\') return "\\\\";
  if (c == static_cast<char32_t>(quote)) return {'\\', quote};
  if (IsPrintable(c)) return std::string(bytes);
  const auto code = static_cast<uint32_t>(c);
  return code < 0x100 ? fmt::format("\\x{:02x}", code) : code < 0x10000 ? fmt::format("\\u{:04x}", code) : fmt::format("\\U{:08x}", code);
}

void AppendQuoted(Text& out, const Text& text) {
  if (text.safe) out.Append("Markup(", true);
  const bool doubled = text.bytes.find('\'') != std::string::npos && text.bytes.find('"') == std::string::npos;
  const char quote = doubled ? '"' : '\'';
  out.Append({&quote, 1}, true);
  for (size_t at = 0; at < text.bytes.size();) {
    const CodePoint point = DecodeAt(text.bytes, at);
    out.Append(Escaped(point, std::string_view(text.bytes).substr(at, point.length), quote), text.origin[at] != 0);
    at += point.length;
  }
  out.Append({&quote, 1}, true);
  if (text.safe) out.Append(")", true);
}

void AppendRepr(Text& out, const Value& value);

std::string_view TypeNameOf(ListKind kind) {
  switch (kind) {
    case ListKind::kList: return "list";
    case ListKind::kRange: return "range";
    case ListKind::kItems: return "dict_items";
    case ListKind::kKeys: return "dict_keys";
    case ListKind::kValues: return "dict_values";
    default: return "tuple";
  }
}

void AppendList(Text& out, const List& list) {
  if (list.kind == ListKind::kRange) {
    if (list.shown.empty()) FailUnsupported("the chat template prints a slice of a range");
    return out.Append(list.shown, true);
  }
  const bool view = !list.list_or_tuple();
  if (view) out.Append(fmt::format("{}(", TypeNameOf(list.kind)), true);
  out.Append(list.tuple() ? "(" : "[", true);
  for (size_t i = 0; i < list.items.size(); ++i) {
    if (i > 0) out.Append(", ", true);
    AppendRepr(out, list.items[i]);
  }
  if (list.tuple() && list.items.size() == 1) out.Append(",", true);
  out.Append(list.tuple() ? ")" : "]", true);
  if (view) out.Append(")", true);
}

void AppendDict(Text& out, const Dict& dict) {
  out.Append("{", true);
  for (size_t i = 0; i < dict.items.size(); ++i) {
    if (i > 0) out.Append(", ", true);
    AppendRepr(out, dict.items[i].first);
    out.Append(": ", true);
    AppendRepr(out, dict.items[i].second);
  }
  out.Append("}", true);
}

void AppendRepr(Text& out, const Value& value) {
  if (value.text() != nullptr) return AppendQuoted(out, *value.text());
  if (value.list() != nullptr) return AppendList(out, *value.list());
  if (value.dict() != nullptr) return AppendDict(out, *value.dict());
  if (value.undefined()) return out.Append("Undefined", true);
  if (value.none()) return out.Append("None", true);
  if (value.Is<bool>()) return out.Append(value.As<bool>() ? "True" : "False", true);
  if (value.Is<int64_t>()) return out.Append(fmt::format("{}", value.As<int64_t>()), true);
  if (value.big() != nullptr) return out.Append(value.big()->ToString(), true);
  if (value.Is<double>()) return out.Append(ReprOfFloat(value.As<double>()), true);
  FailUnsupported(fmt::format("the chat template prints a value of type {}", TypeName(value)));
}

}  // namespace

void FailTemplate(std::string message) { throw TemplateFailure{MakeError(ErrorCode::kInvalid, std::move(message))}; }
void FailUnsupported(std::string message) { throw TemplateFailure{MakeError(ErrorCode::kUnsupported, std::move(message))}; }

const Value* Dict::Find(const Value& key) const {
  for (const auto& item : items) {
    if (Equal(item.first, key)) return &item.second;
  }
  return nullptr;
}

const Value* Dict::Find(std::string_view key) const {
  for (const auto& item : items) {
    if (item.first.text() != nullptr && item.first.text()->bytes == key) return &item.second;
  }
  return nullptr;
}

uint64_t WeightOf(const Value& value) {
  if (const Text* text = value.text()) return 1 + text->bytes.size();
  if (const List* list = value.list()) return list->weight;
  if (const Dict* dict = value.dict()) return dict->weight;
  if (value.big() != nullptr) return value.big()->digits();
  return 1;
}

double Value::NumberOfBig() const { return big()->ToDouble(); }

Value MakeList(std::vector<Value> items, ListKind kind, std::string shown) {
  int depth = 0;
  uint64_t weight = 1;
  for (const Value& item : items) {
    depth = std::max(depth, DepthOf(item));
    weight = Heavier(weight, item);
  }
  return Value::Variant(std::make_shared<const List>(List{std::move(items), kind, Deeper(depth), weight, std::move(shown)}));
}

Value MakeDict(std::vector<std::pair<Value, Value>> items) {
  Dict dict;
  int depth = 0;
  if (items.size() > kMaxDictKeys) FailUnsupported(fmt::format("a dictionary with {} keys in the chat template; at most {} are possible", items.size(), kMaxDictKeys));
  for (auto& item : items) {
    dict.weight = Heavier(Heavier(dict.weight, item.first), item.second);
    depth = std::max({depth, DepthOf(item.first), DepthOf(item.second)});
    if (item.first.list() != nullptr ? !item.first.list()->tuple() && item.first.list()->kind != ListKind::kRange : item.first.dict() != nullptr) {
      FailTemplate(fmt::format("unhashable type: '{}'", TypeName(item.first)));
    }
    if (const Value* known = dict.Find(item.first)) {
      *const_cast<Value*>(known) = std::move(item.second);
    } else {
      dict.items.push_back(std::move(item));
    }
  }
  dict.depth = Deeper(depth);
  return Value::Variant(std::make_shared<const Dict>(std::move(dict)));
}

Value MakeMethod(Value self, std::string name) {
  const int depth = Deeper(DepthOf(self));
  return Value::Variant(std::make_shared<const Method>(Method{std::move(self), std::move(name), depth}));
}

bool IsTruthy(const Value& value) {
  if (value.undefined() || value.none()) return false;
  if (value.is_number()) return value.number() != 0;
  if (value.text() != nullptr) return !value.text()->bytes.empty();
  if (value.list() != nullptr) return !value.list()->items.empty();
  if (value.dict() != nullptr) return !value.dict()->items.empty();
  return true;
}

bool Equal(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return OrderOfNumbers(a, b) == 0 && !std::isnan(a.number()) && !std::isnan(b.number());
  if (a.text() != nullptr && b.text() != nullptr) return a.text()->bytes == b.text()->bytes;
  if (a.list() != nullptr && b.list() != nullptr) return EqualLists(*a.list(), *b.list());
  if (a.dict() != nullptr && b.dict() != nullptr) return EqualDicts(*a.dict(), *b.dict());
  if (a.Is<Macro*>() && b.Is<Macro*>()) return a.As<Macro*>() == b.As<Macro*>();
  if (a.Is<Namespace*>() && b.Is<Namespace*>()) return a.As<Namespace*>() == b.As<Namespace*>();
  if (a.Is<Generator*>() && b.Is<Generator*>()) return a.As<Generator*>() == b.As<Generator*>();
  return (a.undefined() && b.undefined()) || (a.none() && b.none());
}

int Compare(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return OrderOfNumbers(a, b);
  if (a.text() != nullptr && b.text() != nullptr) return Order(a.text()->bytes, b.text()->bytes);  // UTF-8 sorts as code points
  if (a.list() != nullptr && b.list() != nullptr && a.list()->list_or_tuple() && b.list()->list_or_tuple() && a.list()->tuple() == b.list()->tuple()) {
    const auto& left = a.list()->items;
    const auto& right = b.list()->items;
    for (size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
      if (!Equal(left[i], right[i])) return Compare(left[i], right[i]);
    }
    return Order(left.size(), right.size());
  }
  FailTemplate(fmt::format("'{}' and '{}' have no order", TypeName(a), TypeName(b)));
}

bool Contains(const Value& container, const Value& item) {
  if (const Text* text = container.text()) {
    if (item.text() == nullptr) FailTemplate(fmt::format("'in <string>' requires string as left operand, not {}", TypeName(item)));
    return text->bytes.find(item.text()->bytes) != std::string::npos;
  }
  if (const Dict* dict = container.dict()) return dict->Find(item) != nullptr;
  if (const List* list = container.list()) {
    return std::any_of(list->items.begin(), list->items.end(), [&item](const Value& other) { return Equal(other, item); });
  }
  if (container.undefined()) return false;
  FailTemplate(fmt::format("argument of type '{}' is not iterable", TypeName(container)));
}

Text EscapedForHtml(const Text& text) {
  if (text.safe) return text;
  Text out;
  for (size_t at = 0; at < text.bytes.size(); ++at) {
    const char c = text.bytes[at];
    const std::string_view escaped = c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '"' ? "&#34;" : c == '\'' ? "&#39;" : "";
    out.Append(escaped.empty() ? std::string_view(text.bytes).substr(at, 1) : escaped, text.origin[at] != 0);
  }
  out.safe = true;
  return out;
}

Text Repr(const Value& value) {
  Text out;
  AppendRepr(out, value);
  return out;
}

Text ToText(const Value& value) {
  if (value.text() != nullptr) return *value.text();
  if (value.undefined()) return {};
  return Repr(value);
}

// The shortest digits that give the number back; an exponent below -4 and from 16 on, as Python has it.
std::string ReprOfFloat(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  char buffer[64];
  const auto scientific = std::to_chars(buffer, buffer + sizeof(buffer), number, std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<size_t>(scientific.ptr - buffer));
  const size_t e = text.find('e');
  int exponent = 0;
  std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), text.data() + text.size(), exponent);
  if (exponent < -4 || exponent >= 16) return std::string(text);
  const auto fixed = std::to_chars(buffer, buffer + sizeof(buffer), number, std::chars_format::fixed);
  std::string out(buffer, static_cast<size_t>(fixed.ptr - buffer));
  if (out.find('.') == std::string::npos) out += ".0";
  return out;
}

std::string_view TypeName(const Value& value) {
  if (value.text() != nullptr) return "str";
  if (value.list() != nullptr) return TypeNameOf(value.list()->kind);
  if (value.dict() != nullptr) return "dict";
  if (value.none()) return "NoneType";
  if (value.undefined()) return "Undefined";
  if (value.Is<bool>()) return "bool";
  if (value.Is<int64_t>() || value.big() != nullptr) return "int";
  if (value.Is<double>()) return "float";
  if (value.Is<Namespace*>()) return "Namespace";
  if (value.Is<Loop*>()) return "LoopContext";
  if (value.Is<Macro*>()) return "Macro";
  if (value.Is<Generator*>()) return "generator";
  return "method";
}

}  // namespace plimsoll::text
