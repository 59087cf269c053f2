// What Python's methods of texts do with whole texts: splitting, finding, replacing, filling up. Pure but for the limits
// that they count against the interpreter; one thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/template_interpreter.h"

namespace plimsoll::text {

// At most `most` cuts; any number of them where it is negative.
std::vector<Value> SplitAtSpaces(const Text& text, int64_t most);
std::vector<Value> SplitAtSpacesFromRight(const Text& text, int64_t most);
std::vector<Value> SplitAt(const Text& text, std::string_view separator, int64_t most);
std::vector<Value> SplitFromRight(const Text& text, std::string_view separator, int64_t most);
std::vector<Value> SplitLines(const Text& text, bool keep_ends);
Value Partitioned(const Text& text, const Text& separator, bool from_right);

struct Region {
  Text text;
  int64_t begin = 0;
  bool empty = false;  // the bounds leave no place, not even an empty one
};
// method(x, start, end): the part of the text that Python's bounds, which count characters, leave.
Region RegionOf(const Text& text, const Arguments& arguments);
int64_t FindWithin(const Text& text, const Arguments& arguments, bool from_right);  // -1: not there
int64_t CountText(const Text& text, const Text& wanted);

Text Replaced(Interpreter& interpreter, const Text& text, const Text& from, const Text& to, int64_t most);

enum class Adjust : uint8_t { kLeft, kRight, kCenter };
Text Padded(Interpreter& interpreter, const Text& text, int64_t width, const Text& fill, Adjust adjust);
Text ZeroFilled(Interpreter& interpreter, const Text& text, int64_t width);

}  // namespace plimsoll::text
