#include "answer/evidence.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "answer/terms.h"

namespace plimsoll::answer {
namespace {

// Keyword search puts what has a rare word first, so that a code or an odd spelling ("JSONB", "float32") which no hit has
// most likely stands nowhere. A word that is only capitalised may be a common one or the asker's own (an example, a
// customer): it takes two of those. A passage this near in meaning may answer all the same.
constexpr double kCosineWithoutName = 0.60;
constexpr double kOddName = 1.0, kCapitalName = 0.5;
// Neither near in meaning nor sharing words. By bench/retrieval.
constexpr double kLowCosine = 0.25;
constexpr double kLowShare = 0.34;

std::set<std::string> StemsOf(const Hit& hit) {
  std::set<std::string> stems;
  const std::string text = hit.file.title + "\n" + hit.chunk.section + "\n" + hit.chunk.text;
  for (const Term& term : TermsOf(text)) stems.insert(term.stem);
  return stems;
}

// The word that begins there, as the person wrote it.
std::string WordAt(const std::string& text, size_t begin) {
  const auto belongs = [](unsigned char c) { return c >= 0x80 || c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); };
  size_t end = begin;
  while (end < text.size() && belongs(static_cast<unsigned char>(text[end]))) ++end;
  return text.substr(begin, end - begin);
}

double NameWeight(const std::string& word) {
  const bool odd = std::any_of(word.begin() + 1, word.end(), [](char c) { return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
  return odd ? kOddName : kCapitalName;
}

std::vector<Term> QuestionTerms(const std::string& question) {
  std::vector<Term> terms = TermsOf(question);
  std::erase_if(terms, [](const Term& term) { return term.kind != Term::Kind::kContent && term.kind != Term::Kind::kNumber; });
  return terms;
}

}  // namespace

Evidence WeighHits(const std::string& question, const std::vector<Hit>& hits) {
  Evidence evidence;
  const std::vector<Term> terms = QuestionTerms(question);
  std::vector<std::set<std::string>> stems;
  std::map<std::string, double> weights;  // of the question's stems
  for (const Hit& hit : hits) {
    stems.push_back(StemsOf(hit));
    evidence.best_cosine = std::max(evidence.best_cosine, hit.vector_score);
  }
  const bool by_meaning = evidence.best_cosine > 0;
  double total = 0;
  for (const Term& term : terms) {
    const auto having = std::ranges::count_if(stems, [&](const auto& set) { return set.contains(term.stem); });
    if (having == 0 && term.name) evidence.missing_names.push_back(WordAt(question, term.begin));
    // Among hits of keyword search alone the word that found them would weigh next to nothing: there each word counts one.
    const double weight = !by_meaning ? 1.0 : std::log((static_cast<double>(hits.size()) + 1) / (static_cast<double>(having) + 0.5));
    if (weights.emplace(term.stem, weight).second) total += weight;
  }
  for (const std::set<std::string>& set : stems) {
    double found = 0;
    for (const auto& [stem, weight] : weights) found += set.contains(stem) ? weight : 0;
    evidence.word_share = std::max(evidence.word_share, total > 0 ? found / total : 0);
  }
  double missing = 0;
  for (const std::string& name : evidence.missing_names) missing += NameWeight(name);
  if (hits.empty()) {
    evidence.weak_because = "no passage has anything to do with the question";
  } else if (missing >= kOddName && evidence.best_cosine < kCosineWithoutName) {
    evidence.weak_because = fmt::format("'{}' does not stand in them", evidence.missing_names.front());
  } else if (evidence.best_cosine < kLowCosine && evidence.word_share < kLowShare) {
    evidence.weak_because = fmt::format("the nearest passages share only {:.0f} % of the question's words", 100 * evidence.word_share);
  }
  return evidence;
}

}  // namespace plimsoll::answer
