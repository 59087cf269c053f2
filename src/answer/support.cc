// CheckSupport. A claim is supported by one to three sentences of a passage that stand together when they have most of
// its content words, every number, deny what it denies and say nothing opposite; names must stand in the passage or its
// headings. Words alone cannot see who does what to whom ("readers block writers"); what they see, they see the same
// way every time, and without a model that could be talked round.
#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "answer/ask.h"
#include "answer/terms.h"
#include "documents/sentences.h"

namespace plimsoll::answer {
namespace {

// Share of a claim's content words that must stand in the window. By support_test.cc: below, made-up sentences about
// the passage's subject pass; above, honest rewordings fail.
constexpr double kMinShare = 0.6;
// A longer window must add this much to the share for it to be quoted.
constexpr double kWorthASentence = 0.08;
constexpr size_t kMaxWindow = 3;

bool Counts(const Term& term) { return term.kind == Term::Kind::kContent; }

struct Claim {
  std::vector<Term> terms;
  double weight = 0;  // of all content words

  explicit Claim(std::string_view text) : terms(TermsOf(text)) {
    for (const Term& term : terms) weight += Counts(term) ? WeightOf(term) : 0;
  }
  static double WeightOf(const Term& term) { return term.name ? 1.5 : 1.0; }
  bool has_number() const {
    return std::ranges::any_of(terms, [](const Term& term) { return term.kind == Term::Kind::kNumber; });
  }
};

class Evidence {
 public:
  void Add(const std::vector<Term>& terms) {
    for (const Term& term : terms) {
      if (term.kind == Term::Kind::kNumber) numbers_.insert(term.stem);
      all_.insert(term.stem);
      if (Counts(term)) (term.negated ? negated_ : plain_).insert(term.stem);
    }
  }
  bool Has(const Term& term) const { return plain_.contains(term.stem) || negated_.contains(term.stem); }
  bool HasNumber(const std::string& number) const { return numbers_.contains(number); }
  // The claim only denies what stands here without denial, or the other way round.
  bool Contradicts(const Evidence& claim, const std::string& stem) const {
    const bool agree = (plain_.contains(stem) && claim.plain_.contains(stem)) || (negated_.contains(stem) && claim.negated_.contains(stem));
    return !agree && (plain_.contains(stem) || negated_.contains(stem));
  }
  bool SaysOpposite(const Term& term) const {
    if (all_.contains(term.stem)) return false;
    return std::ranges::any_of(all_, [&](const std::string& other) { return AreOpposites(term.stem, other); });
  }

 private:
  std::set<std::string> numbers_, plain_, negated_, all_;
};

double ShareOf(const Claim& claim, const Evidence& window) {
  double found = 0;
  for (const Term& term : claim.terms) found += Counts(term) && window.Has(term) ? Claim::WeightOf(term) : 0;
  return claim.weight > 0 ? found / claim.weight : 0;
}

// What speaks against the claim although the words are there; empty where nothing does.
std::string Objection(const Claim& claim, const Evidence& window, const Evidence& passage) {
  Evidence said;
  said.Add(claim.terms);
  for (const Term& term : claim.terms) {
    if (term.kind == Term::Kind::kNumber && !window.HasNumber(term.stem)) return "the number " + term.stem + " is not there";
    if (Counts(term) && term.name && !passage.Has(term)) return "the name '" + term.stem + "' is not there";
    if (Counts(term) && window.Contradicts(said, term.stem)) return "one denies '" + term.stem + "', the other does not";
    if (term.kind != Term::Kind::kNumber && window.SaysOpposite(term)) return "it says the opposite of '" + term.stem + "'";
  }
  return {};
}

struct Window {
  double share = -1;
  std::string objection;
  size_t first = 0, last = 0;

  bool supports(const Claim& claim) const { return objection.empty() && (share >= kMinShare || claim.weight == 0); }
};

bool Better(const Claim& claim, const Window& a, const Window& b) {
  if (a.supports(claim) != b.supports(claim)) return a.supports(claim);
  const auto value = [](const Window& window) { return window.share - kWorthASentence * static_cast<double>(window.last - window.first); };
  return value(a) > value(b);
}

}  // namespace

Support CheckSupport(const std::string& sentence, const std::string& passage, const std::string& headings) {
  Support support;
  const Claim claim(sentence);
  if (claim.weight == 0 && !claim.has_number()) {
    support.why_not = "it says nothing that could be checked";
    return support;
  }
  const std::vector<documents::Sentence> sentences = documents::SplitSentences(passage);
  std::vector<std::vector<Term>> terms;
  const std::vector<Term> heading_terms = TermsOf(headings);
  Evidence whole;
  whole.Add(heading_terms);
  for (const documents::Sentence& one : sentences) {
    terms.push_back(TermsOf(std::string_view(passage).substr(one.begin, one.end - one.begin)));
    whole.Add(terms.back());
  }
  Window best;
  for (size_t first = 0; first < sentences.size(); ++first) {
    Evidence evidence;
    for (size_t last = first; last < std::min(sentences.size(), first + kMaxWindow); ++last) {
      evidence.Add(terms[last]);
      Evidence with_headings = evidence;
      with_headings.Add(heading_terms);
      const Window window{ShareOf(claim, with_headings), Objection(claim, evidence, whole), first, last};
      if (best.share < 0 || Better(claim, window, best)) best = window;
    }
  }
  if (best.share < 0) return support;
  support.score = best.share;
  support.start_char = sentences[best.first].begin_char;
  support.end_char = sentences[best.last].end_char;
  support.supported = best.supports(claim);
  if (!support.supported) support.why_not = best.objection.empty() ? "too few of its words stand together there" : best.objection;
  return support;
}

}  // namespace plimsoll::answer
