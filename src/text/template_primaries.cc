// Values as they are written, and what may follow one: attributes, subscripts, calls, filters, tests.
#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "text/template_integer.h"
#include "text/template_parser.h"

namespace plimsoll::text {

ExpressionPtr ExpressionParser::Primary() {
  switch (Peek().kind) {
    case TokenKind::kName: return NameOrConstant();
    case TokenKind::kString: return Strings();
    case TokenKind::kInteger:
    case TokenKind::kFloat: return Number();
    default: break;
  }
  if (IsOperator("(")) return Parenthesized();
  if (IsOperator("[")) return ListLiteral();
  if (IsOperator("{")) return DictLiteral();
  Fail(fmt::format("\"{}\" is no value", Peek().text));
}

ExpressionPtr ExpressionParser::NameOrConstant() {
  const std::string name = Next().text;
  auto literal = [&](Value value) {
    auto made = Make(ExpressionKind::kLiteral);
    made->literal = std::move(value);
    return made;
  };
  if (name == "true" || name == "True") return literal(Value::Variant(true));
  if (name == "false" || name == "False") return literal(Value::Variant(false));
  if (name == "none" || name == "None") return literal(Value::Variant(None{}));
  return Make(ExpressionKind::kName, name);
}

ExpressionPtr ExpressionParser::Number() {
  const TemplateToken& token = Next();
  auto made = Make(ExpressionKind::kLiteral);
  const char* end = token.text.data() + token.text.size();
  if (token.kind == TokenKind::kFloat) {
    double number = 0;
    if (std::from_chars(token.text.data(), end, number).ec == std::errc::result_out_of_range) {
      number = token.text.find('-') != std::string::npos ? 0.0 : std::numeric_limits<double>::infinity();  // as Python reads it
    }
    made->literal = Value::Variant(number);
  } else {
    made->literal = MakeInteger(*BigInteger::Parse(token.text));
  }
  return made;
}

ExpressionPtr ExpressionParser::Strings() {
  auto made = Make(ExpressionKind::kLiteral);
  std::string text;
  while (Peek().kind == TokenKind::kString) text += Next().text;
  made->literal = MakeText(text, true);
  return made;
}

ExpressionPtr ExpressionParser::Parenthesized() {
  Next();
  if (Skip(TokenKind::kOperator, ")")) return Make(ExpressionKind::kTuple);
  ExpressionPtr inside = ParseTuple();
  Expect(TokenKind::kOperator, ")");
  return inside;
}

ExpressionPtr ExpressionParser::ListLiteral() {
  Next();
  auto made = Make(ExpressionKind::kList);
  while (!IsOperator("]")) {
    Own(*made, Parse());
    if (!Skip(TokenKind::kOperator, ",")) break;
  }
  Expect(TokenKind::kOperator, "]");
  return made;
}

ExpressionPtr ExpressionParser::DictLiteral() {
  Next();
  auto made = Make(ExpressionKind::kDict);
  while (!IsOperator("}")) {
    Own(*made, Parse());
    Expect(TokenKind::kOperator, ":");
    Own(*made, Parse());
    if (!Skip(TokenKind::kOperator, ",")) break;
  }
  Expect(TokenKind::kOperator, "}");
  return made;
}

ExpressionPtr ExpressionParser::Postfix(ExpressionPtr operand) {
  while (true) {
    if (IsOperator(".")) {
      operand = Attribute(std::move(operand));
    } else if (IsOperator("[")) {
      operand = Subscript(std::move(operand));
    } else if (IsOperator("(")) {
      operand = Make(ExpressionKind::kCall, {}, std::move(operand));
      CallArguments(*operand);
    } else {
      return operand;
    }
  }
}

ExpressionPtr ExpressionParser::Attribute(ExpressionPtr operand) {
  Next();
  if (Peek().kind == TokenKind::kInteger) {
    auto made = Make(ExpressionKind::kItem, {}, std::move(operand));
    Own(*made, Number());
    return made;
  }
  std::string name = ExpectName();
  return Make(ExpressionKind::kAttribute, std::move(name), std::move(operand));
}

ExpressionPtr ExpressionParser::Subscript(ExpressionPtr operand) {
  Next();
  auto made = Make(ExpressionKind::kItem, {}, std::move(operand));
  Own(*made, IsOperator(":") ? nullptr : Parse());
  while (made->arguments.size() < 3 && Skip(TokenKind::kOperator, ":")) {
    made->kind = ExpressionKind::kSlice;
    Own(*made, IsOperator(":") || IsOperator("]") ? nullptr : Parse());
  }
  if (IsOperator(",")) FailUnsupported(fmt::format("line {} of the chat template: a subscript with commas is not supported", Peek().line));
  if (made->kind == ExpressionKind::kSlice) made->arguments.resize(3);
  Expect(TokenKind::kOperator, "]");
  return made;
}

void ExpressionParser::CallArguments(Expression& call) {
  Expect(TokenKind::kOperator, "(");
  while (!IsOperator(")")) {
    if (Skip(TokenKind::kOperator, "**")) {
      call.star_star = Parse();
      Deepen(call, call.star_star.get());
    } else if (Skip(TokenKind::kOperator, "*")) {
      call.star = Parse();
      Deepen(call, call.star.get());
    } else if (Peek().kind == TokenKind::kName && IsOperator("=", 1)) {
      std::string name = ExpectName();
      Next();
      ExpressionPtr value = Parse();
      Deepen(call, value.get());
      call.named.emplace_back(std::move(name), std::move(value));
    } else {
      if (!call.named.empty() || call.star_star != nullptr) Fail("an argument without a name follows one with a name");
      Own(call, Parse());
    }
    if (!Skip(TokenKind::kOperator, ",")) break;
  }
  Expect(TokenKind::kOperator, ")");
}

ExpressionPtr ExpressionParser::ParseFilterChain(ExpressionPtr operand) {
  const std::string name = ExpectName();
  if (!IsKnownFilter(name)) unknown_.push_back(fmt::format("line {} of the chat template: the filter \"{}\" is not supported", Peek().line, name));
  auto made = Make(ExpressionKind::kFilter, name, std::move(operand));
  if (IsOperator("(")) CallArguments(*made);
  return Filters(std::move(made));
}

ExpressionPtr ExpressionParser::Filters(ExpressionPtr operand) {
  while (Skip(TokenKind::kOperator, "|")) operand = ParseFilterChain(std::move(operand));
  return operand;
}

ExpressionPtr ExpressionParser::FiltersAndTests(ExpressionPtr operand) {
  while (true) {
    if (Skip(TokenKind::kOperator, "|")) {
      operand = ParseFilterChain(std::move(operand));
    } else if (Skip(TokenKind::kName, "is")) {
      operand = Test(std::move(operand));
    } else if (IsOperator("(")) {
      operand = Make(ExpressionKind::kCall, {}, std::move(operand));
      CallArguments(*operand);
    } else {
      return operand;
    }
  }
}

bool ExpressionParser::BeginsTestArgument() const {
  switch (Peek().kind) {
    case TokenKind::kString:
    case TokenKind::kInteger:
    case TokenKind::kFloat: return true;
    case TokenKind::kName: return !IsName("else") && !IsName("or") && !IsName("and") && !IsName("is") && !IsName("if") && !IsName("in") && !IsName("not");
    case TokenKind::kOperator: return IsOperator("[") || IsOperator("{");
    default: return false;
  }
}

ExpressionPtr ExpressionParser::Test(ExpressionPtr operand) {
  const bool negated = Skip(TokenKind::kName, "not");
  const std::string name = ExpectName();
  if (!IsKnownTest(name)) unknown_.push_back(fmt::format("line {} of the chat template: the test \"{}\" is not supported", Peek().line, name));
  auto made = Make(ExpressionKind::kTest, name, std::move(operand));
  if (IsOperator("(")) {
    CallArguments(*made);
  } else if (BeginsTestArgument()) {
    Own(*made, Postfix(Primary()));
  }
  return negated ? Make(ExpressionKind::kUnary, "not", std::move(made)) : std::move(made);
}

}  // namespace plimsoll::text
