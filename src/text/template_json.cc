// tojson, as Python's json.dumps writes values.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "text/template_integer.h"
#include "text/template_interpreter.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

class JsonWriter {
 public:
  explicit JsonWriter(const JsonStyle& style) : style_(style) {}

  void Write(const Value& value) {
    if (const Text* text = value.text()) return WriteText(*text);
    if (const List* list = value.list(); list != nullptr && list->list_or_tuple()) return WriteList(*list);
    if (const Dict* dict = value.dict()) return WriteDict(*dict);
    if (value.none()) return out_.Append("null", true);
    if (value.Is<bool>()) return out_.Append(value.As<bool>() ? "true" : "false", true);
    if (value.Is<int64_t>()) return out_.Append(fmt::format("{}", value.As<int64_t>()), true);
    if (value.big() != nullptr) return out_.Append(value.big()->ToString(), true);
    if (value.Is<double>()) return out_.Append(FloatText(value.As<double>()), true);
    FailTemplate(fmt::format("Object of type {} is not JSON serializable", TypeName(value)));
  }

  Text Take() { return std::move(out_); }

 private:
  static std::string FloatText(double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
    return ReprOfFloat(number);
  }

  void WriteText(const Text& text) {
    out_.Append("\"", true);
    for (size_t at = 0; at < text.bytes.size();) {
      const CodePoint point = DecodeAt(text.bytes, at);
      out_.Append(Escaped(point.value, std::string_view(text.bytes).substr(at, point.length)), text.origin[at] != 0);
      at += point.length;
    }
    out_.Append("\"", true);
  }

  std::string Escaped(char32_t c, std::string_view bytes) const {
    static constexpr std::string_view kFrom = "\"\\\n\r\t\f\b";
    static constexpr std::string_view kTo = "\"\\nrtfb";
    if (c < 0x80) {
      const size_t known = kFrom.find(static_cast<char>(c));
      if (known != std::string_view::npos) return {'\\', kTo[known]};
      if (c < 0x20) return fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
    }
    if (c < 0x7F || !style_.ensure_ascii) return std::string(bytes);
    if (c < 0x10000) return fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
    const auto rest = static_cast<uint32_t>(c) - 0x10000;
    return fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
  }

  void NewLine() {
    if (style_.indent < 0) return;
    out_.Append("\n" + std::string(static_cast<size_t>(style_.indent) * level_, ' '), true);
  }

  // With an indent, items end in a comma without a space.
  void Separate(size_t i) {
    if (i > 0) {
      std::string_view separator = style_.item_separator;
      if (style_.indent >= 0 && separator == ", ") separator = ",";
      out_.Append(separator, true);
    }
    NewLine();
  }

  void WriteList(const List& list) {
    out_.Append("[", true);
    ++level_;
    for (size_t i = 0; i < list.items.size(); ++i) {
      Separate(i);
      Write(list.items[i]);
    }
    --level_;
    if (!list.items.empty()) NewLine();
    out_.Append("]", true);
  }

  void WriteDict(const Dict& dict) {
    std::vector<const std::pair<Value, Value>*> items;
    for (const auto& item : dict.items) items.push_back(&item);
    if (style_.sort_keys) {
      std::sort(items.begin(), items.end(), [](const auto* a, const auto* b) { return ToText(a->first).bytes < ToText(b->first).bytes; });
    }
    out_.Append("{", true);
    ++level_;
    for (size_t i = 0; i < items.size(); ++i) {
      Separate(i);
      WriteKey(items[i]->first);
      out_.Append(style_.key_separator, true);
      Write(items[i]->second);
    }
    --level_;
    if (!items.empty()) NewLine();
    out_.Append("}", true);
  }

  void WriteKey(const Value& key) {
    if (key.text() != nullptr) return WriteText(*key.text());
    if (!key.none() && !key.is_number()) FailTemplate(fmt::format("keys must be str, int, float, bool or None, not {}", TypeName(key)));
    out_.Append("\"", true);
    Write(key);
    out_.Append("\"", true);
  }

  const JsonStyle& style_;
  Text out_;
  size_t level_ = 0;
};

}  // namespace

Text ToJson(const Value& value, const JsonStyle& style) {
  JsonWriter writer(style);
  writer.Write(value);
  return writer.Take();
}

}  // namespace plimsoll::text
