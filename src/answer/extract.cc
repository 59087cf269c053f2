// The answer without a model: sentences of the best hits, word for word. A sentence counts by the share of the question's
// words it has (rare ones more) and by the rank of its passage, which is where meaning comes in.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "answer/ask.h"
#include "answer/citations.h"
#include "answer/terms.h"
#include "documents/sentences.h"
#include "text/utf8.h"

namespace plimsoll::answer {
namespace {

constexpr size_t kPassages = 5;
constexpr size_t kSentences = 3;
constexpr size_t kMinBytes = 20, kMaxBytes = 500;
constexpr double kWordWeight = 0.6;   // against the passage's own score
constexpr double kLeastOfBest = 0.6;  // a further sentence must come this near to the best one

struct Candidate {
  const Hit* hit = nullptr;
  uint64_t start_char = 0, end_char = 0;
  std::string text;
  std::set<std::string> stems;
  double score = 0;
};

std::set<std::string> ContentStems(std::string_view text) {
  std::set<std::string> stems;
  for (const Term& term : TermsOf(text)) {
    if (term.kind == Term::Kind::kContent || term.kind == Term::Kind::kNumber) stems.insert(term.stem);
  }
  return stems;
}

std::vector<Candidate> CandidatesOf(const Hit& hit) {
  std::vector<Candidate> candidates;
  const std::string& text = hit.chunk.text;
  for (const documents::Sentence& sentence : documents::SplitSentences(text)) {
    const size_t bytes = sentence.end - sentence.begin;
    if (sentence.code || bytes < kMinBytes || bytes > kMaxBytes) continue;
    if (hit.chunk.section.find(text.substr(sentence.begin, bytes)) != std::string::npos) continue;  // its own heading
    Candidate& candidate = candidates.emplace_back();
    candidate.hit = &hit;
    candidate.start_char = sentence.begin_char;
    candidate.end_char = sentence.end_char;
    candidate.text = text.substr(sentence.begin, bytes);
    candidate.stems = ContentStems(candidate.text);
  }
  if (!candidates.empty() || text.empty()) return candidates;
  // A passage of one long piece (a table, code): its beginning.
  const size_t end = text::CodePointBoundary(text, std::min(text.size(), kMaxBytes));
  const std::string beginning = text.substr(0, end);
  candidates.push_back({&hit, 0, text::CountCodePoints(beginning), beginning, ContentStems(beginning), 0});
  return candidates;
}

void Score(const std::set<std::string>& question, std::vector<Candidate>* candidates) {
  std::map<std::string, double> weights;
  double total = 0;
  for (const std::string& stem : question) {
    const auto having = std::ranges::count_if(*candidates, [&](const Candidate& one) { return one.stems.contains(stem); });
    if (having == 0) continue;  // says nothing about which sentence is better
    weights[stem] = std::log((static_cast<double>(candidates->size()) + 1) / (static_cast<double>(having) + 0.5));
    total += weights[stem];
  }
  for (Candidate& candidate : *candidates) {
    double found = 0;
    for (const auto& [stem, weight] : weights) found += candidate.stems.contains(stem) ? weight : 0;
    candidate.score = kWordWeight * (total > 0 ? found / total : 0) + (1 - kWordWeight) * candidate.hit->score;
  }
}

}  // namespace

Answer ExtractiveAnswer(const std::string& question, const std::vector<Hit>& hits) {
  Answer answer;
  answer.extractive = true;
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < std::min(hits.size(), kPassages); ++i) {
    for (Candidate& candidate : CandidatesOf(hits[i])) candidates.push_back(std::move(candidate));
  }
  Score(ContentStems(question), &candidates);
  std::ranges::sort(candidates, [](const Candidate& a, const Candidate& b) {
    return std::tuple(-a.score, a.hit, a.start_char) < std::tuple(-b.score, b.hit, b.start_char);
  });
  CitationList list;
  for (const Candidate& candidate : candidates) {
    if (answer.sentences.size() == kSentences || candidate.score < kLeastOfBest * candidates.front().score) break;
    const bool said = std::ranges::any_of(answer.sentences, [&](const Sentence& one) { return one.text == candidate.text; });
    if (said) continue;
    const uint32_t n = list.Cite(*candidate.hit, candidate.start_char, candidate.end_char);
    answer.sentences.push_back({candidate.text, true, {n}});
    answer.text += fmt::format("{}{} [{}]", answer.text.empty() ? "" : "\n", candidate.text, n);
  }
  answer.citations = list.Take();
  answer.not_in_documents = answer.sentences.empty();
  return answer;
}

}  // namespace plimsoll::answer
