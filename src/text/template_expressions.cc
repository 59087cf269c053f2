// Expressions by precedence, down to the sign before a value.
#include <fmt/format.h>

#include <algorithm>

#include "text/template_parser.h"

namespace plimsoll::text {

ExpressionParser::Level::Level(ExpressionParser& parser) : parser_(parser) {
  if (++parser_.level_ <= kMaxNodeDepth) return;
  --parser_.level_;
  FailUnsupported(fmt::format("line {} of the chat template is nested more than {} levels deep", parser_.Peek().line, kMaxNodeDepth));
}

void ExpressionParser::Fail(std::string message) const {
  FailTemplate(fmt::format("line {} of the chat template: {}", Peek().line, message));
}

void ExpressionParser::FailIfUnknown(size_t since) const {
  if (unknown_.size() > since) FailUnsupported(unknown_[since]);
}

bool ExpressionParser::IsOperator(std::string_view text, size_t ahead) const {
  return Peek(ahead).kind == TokenKind::kOperator && Peek(ahead).text == text;
}

bool ExpressionParser::Mentions(std::string_view name, size_t from) const {
  return std::any_of(tokens_.begin() + static_cast<std::ptrdiff_t>(from), tokens_.begin() + static_cast<std::ptrdiff_t>(at_),
                     [name](const TemplateToken& token) { return token.kind == TokenKind::kName && token.text == name; });
}

bool ExpressionParser::IsName(std::string_view text) const { return Peek().kind == TokenKind::kName && Peek().text == text; }

bool ExpressionParser::Skip(TokenKind kind, std::string_view text) {
  if (Peek().kind != kind || Peek().text != text) return false;
  Next();
  return true;
}

void ExpressionParser::Expect(TokenKind kind, std::string_view text) {
  if (!Skip(kind, text)) Fail(fmt::format("expected \"{}\" in place of \"{}\"", text.empty() ? "end of tag" : text, Peek().text));
}

std::string ExpressionParser::ExpectName() {
  if (Peek().kind != TokenKind::kName) Fail(fmt::format("expected a name in place of \"{}\"", Peek().text));
  return Next().text;
}

ExpressionPtr ExpressionParser::Make(ExpressionKind kind, std::string name, ExpressionPtr operand) const {
  auto made = std::make_unique<Expression>();
  made->kind = kind;
  made->line = Peek().line;
  made->name = std::move(name);
  Deepen(*made, operand.get());
  made->operand = std::move(operand);
  return made;
}

void ExpressionParser::Deepen(Expression& parent, const Expression* child) const {
  if (child == nullptr) return;
  parent.depth = std::max(parent.depth, child->depth + 1);
  if (parent.depth > kMaxNodeDepth) {
    FailUnsupported(fmt::format("line {} of the chat template has an expression more than {} levels deep", Peek().line, kMaxNodeDepth));
  }
}

void ExpressionParser::Own(Expression& parent, ExpressionPtr child) const {
  Deepen(parent, child.get());
  parent.arguments.push_back(std::move(child));
}

ExpressionPtr ExpressionParser::Binary(std::string op, ExpressionPtr left, ExpressionPtr right) const {
  auto made = Make(ExpressionKind::kBinary, std::move(op));
  Own(*made, std::move(left));
  Own(*made, std::move(right));
  return made;
}

ExpressionPtr ExpressionParser::ParseTuple(bool with_conditional) {
  const auto one = [&] { return with_conditional ? Parse() : ParseWithoutConditional(); };
  ExpressionPtr first = one();
  if (!IsOperator(",")) return first;
  auto tuple = Make(ExpressionKind::kTuple);
  Own(*tuple, std::move(first));
  while (Skip(TokenKind::kOperator, ",")) {
    const bool ends = Peek().kind == TokenKind::kBlockEnd || Peek().kind == TokenKind::kVariableEnd || IsOperator(")");
    if (ends) break;
    Own(*tuple, one());
  }
  return tuple;
}

ExpressionPtr ExpressionParser::Conditional() {
  const Level level(*this);
  const size_t known = unknown();
  ExpressionPtr value = Or();
  while (Skip(TokenKind::kName, "if")) {
    auto made = Make(ExpressionKind::kConditional);
    Own(*made, std::move(value));
    Own(*made, Or());
    Own(*made, Skip(TokenKind::kName, "else") ? Conditional() : nullptr);
    value = std::move(made);
    ForgetUnknown(known);
  }
  return value;
}

ExpressionPtr ExpressionParser::Or() {
  ExpressionPtr left = And();
  while (Skip(TokenKind::kName, "or")) left = Binary("or", std::move(left), And());
  return left;
}

ExpressionPtr ExpressionParser::And() {
  ExpressionPtr left = Not();
  while (Skip(TokenKind::kName, "and")) left = Binary("and", std::move(left), Not());
  return left;
}

ExpressionPtr ExpressionParser::Not() {
  const Level level(*this);
  if (Skip(TokenKind::kName, "not")) return Make(ExpressionKind::kUnary, "not", Not());
  return Comparison();
}

bool ExpressionParser::ComparisonOperator(std::string& op) {
  for (const std::string_view known : {"==", "!=", "<=", ">=", "<", ">"}) {
    if (!Skip(TokenKind::kOperator, known)) continue;
    op = known;
    return true;
  }
  if (Skip(TokenKind::kName, "in")) {
    op = "in";
    return true;
  }
  if (IsName("not") && Peek(1).kind == TokenKind::kName && Peek(1).text == "in") {
    Next();
    Next();
    op = "not in";
    return true;
  }
  return false;
}

ExpressionPtr ExpressionParser::Comparison() {
  ExpressionPtr first = Sum();
  std::string op;
  if (!ComparisonOperator(op)) return first;
  auto made = Make(ExpressionKind::kCompare);
  Own(*made, std::move(first));
  do {
    made->ops.push_back(op);
    Own(*made, Sum());
  } while (ComparisonOperator(op));
  return made;
}

ExpressionPtr ExpressionParser::Sum() {
  ExpressionPtr left = Concat();
  while (IsOperator("+") || IsOperator("-")) {
    std::string op = Next().text;
    left = Binary(std::move(op), std::move(left), Concat());
  }
  return left;
}

ExpressionPtr ExpressionParser::Concat() {
  ExpressionPtr first = Product();
  if (!IsOperator("~")) return first;
  auto made = Make(ExpressionKind::kConcat);
  Own(*made, std::move(first));
  while (Skip(TokenKind::kOperator, "~")) Own(*made, Product());
  return made;
}

ExpressionPtr ExpressionParser::Product() {
  ExpressionPtr left = Power();
  while (IsOperator("*") || IsOperator("/") || IsOperator("//") || IsOperator("%")) {
    std::string op = Next().text;
    left = Binary(std::move(op), std::move(left), Power());
  }
  return left;
}

ExpressionPtr ExpressionParser::Power() {
  ExpressionPtr left = Unary(true);
  while (Skip(TokenKind::kOperator, "**")) left = Binary("**", std::move(left), Unary(true));
  return left;
}

// A sign binds tighter than a filter after its operand: -1 | abs is 1.
ExpressionPtr ExpressionParser::Unary(bool with_filters) {
  const Level level(*this);
  ExpressionPtr made;
  if (IsOperator("-") || IsOperator("+")) {
    std::string op = Next().text;
    made = Make(ExpressionKind::kUnary, std::move(op), Unary(false));
  } else {
    made = Primary();
  }
  made = Postfix(std::move(made));
  return with_filters ? FiltersAndTests(std::move(made)) : std::move(made);
}

}  // namespace plimsoll::text
