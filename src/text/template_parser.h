// Recursive-descent parsers of chat templates. ExpressionParser knows the grammar of expressions, with Jinja2's
// precedences; template_parser.cc builds the statements on it. For use within ParseTemplate; failures are thrown as TemplateFailure.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/template_ast.h"
#include "text/template_lexer.h"

namespace plimsoll::text {

class ExpressionParser {
 public:
  explicit ExpressionParser(std::vector<TemplateToken> tokens) : tokens_(std::move(tokens)) {}

  ExpressionPtr Parse() { return Conditional(); }
  ExpressionPtr ParseWithoutConditional() { return Or(); }
  // One expression, or several with commas between them, which make a tuple.
  ExpressionPtr ParseTuple(bool with_conditional = true);
  // Filters after a value: {% set x | upper %}, {% filter upper | trim %}. Does not begin with the sign itself.
  ExpressionPtr ParseFilterChain(ExpressionPtr operand);
  ExpressionPtr Filters(ExpressionPtr operand);

  const TemplateToken& Peek(size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  const TemplateToken& Next() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  size_t position() const { return at_; }
  // Whether the name occurs among the tokens since `from`.
  bool Mentions(std::string_view name, size_t from) const;
  bool IsOperator(std::string_view text, size_t ahead = 0) const;
  bool IsName(std::string_view text) const;
  bool Skip(TokenKind kind, std::string_view text);
  void Expect(TokenKind kind, std::string_view text);
  std::string ExpectName();
  [[noreturn]] void Fail(std::string message) const;

  // Filters and tests that we do not know. As in Jinja2 that is an error of the template unless they stand in an if
  // block or a conditional expression (loops, macros and the like within not counted): there it is one only when run.
  size_t unknown() const { return unknown_.size(); }
  void ForgetUnknown(size_t since) { unknown_.resize(since); }
  void FailIfUnknown(size_t since) const;

  // Counts how deep the parser has recursed; refuses to go too deep.
  class Level {
   public:
    explicit Level(ExpressionParser& parser);
    ~Level() { --parser_.level_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    ExpressionParser& parser_;
  };

 private:
  ExpressionPtr Conditional();
  ExpressionPtr Or();
  ExpressionPtr And();
  ExpressionPtr Not();
  ExpressionPtr Comparison();
  bool ComparisonOperator(std::string& op);
  ExpressionPtr Sum();
  ExpressionPtr Concat();
  ExpressionPtr Product();
  ExpressionPtr Power();
  ExpressionPtr Unary(bool with_filters);
  ExpressionPtr Primary();
  ExpressionPtr NameOrConstant();
  ExpressionPtr Number();
  ExpressionPtr Strings();
  ExpressionPtr Parenthesized();
  ExpressionPtr ListLiteral();
  ExpressionPtr DictLiteral();
  ExpressionPtr Postfix(ExpressionPtr operand);
  ExpressionPtr Attribute(ExpressionPtr operand);
  ExpressionPtr Subscript(ExpressionPtr operand);
  ExpressionPtr FiltersAndTests(ExpressionPtr operand);
  ExpressionPtr Test(ExpressionPtr operand);
  bool BeginsTestArgument() const;
  void CallArguments(Expression& call);

  ExpressionPtr Make(ExpressionKind kind, std::string name = {}, ExpressionPtr operand = nullptr) const;
  ExpressionPtr Binary(std::string op, ExpressionPtr left, ExpressionPtr right) const;
  void Own(Expression& parent, ExpressionPtr child) const;
  void Deepen(Expression& parent, const Expression* child) const;

  std::vector<TemplateToken> tokens_;
  std::vector<std::string> unknown_;  // an error message for each
  size_t at_ = 0;
  int level_ = 0;
};

}  // namespace plimsoll::text
