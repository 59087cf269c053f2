// Filters by name. Each gets its input and arguments; the interpreter counts what it makes. Within one rendering; one thread.
#pragma once

#include <string_view>

#include "text/template_interpreter.h"

namespace plimsoll::text {

using FilterFunction = Value (*)(Interpreter& interpreter, const Value& input, const Arguments& arguments);

FilterFunction FindTextFilter(std::string_view name);  // template_filters.cc: texts, numbers, any value
FilterFunction FindNumberFilter(std::string_view name);  // template_number_filters.cc
FilterFunction FindRareFilter(std::string_view name);  // template_rare_filters.cc
FilterFunction FindListFilter(std::string_view name);  // template_list_filters.cc: lists and dictionaries

}  // namespace plimsoll::text
