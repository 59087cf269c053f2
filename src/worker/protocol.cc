#include "worker/protocol.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <exception>
#include <limits>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include <nlohmann/json.hpp>

namespace plimsoll::worker {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "tails are copied as they lie in memory");

// More than any message of ours has; a hostile one is refused before a tree is built of it.
constexpr uint64_t kMaxValues = 1'000'000;
constexpr int kMaxDepth = 8;
constexpr uint64_t kMaxU32 = std::numeric_limits<uint32_t>::max();

// In the order of RequestBody and ReplyBody.
constexpr std::array<std::string_view, std::variant_size_v<RequestBody>> kRequestNames = {
    "describe", "plan", "tokenize", "count", "render", "load", "generate", "logits", "bench", "perplexity", "convert", "embed", "encoder",
    "parse", "shutdown", "cancel"};
constexpr std::array<std::string_view, std::variant_size_v<ReplyBody>> kReplyNames = {
    "ready", "heartbeat", "progress", "text", "planned", "error", "summary", "plan", "ids", "counts", "chat", "loaded",
    "generated", "logits", "bench", "perplexity", "converted", "embeddings", "encoder", "document"};

// Reads the fields of one JSON object; the first thing that is wrong is kept and reading goes on with defaults, so that
// a decoder is a plain list of fields.
class Fields {
 public:
  Fields(const json& object, std::string_view tail, std::string* problem)
      : object_(object), tail_(tail), problem_(problem) {
    if (!object.is_object()) Fail("not an object");
  }

  const json* Find(const char* key) const {
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }
  bool Has(const char* key) const { return Find(key) != nullptr; }

  uint64_t Number(const char* key, uint64_t most = std::numeric_limits<uint64_t>::max()) {
    const json* value = Find(key);
    if (value == nullptr || !value->is_number_unsigned() || value->get<uint64_t>() > most) {
      Fail(key);
      return 0;
    }
    return value->get<uint64_t>();
  }
  uint32_t Number32(const char* key) { return static_cast<uint32_t>(Number(key, kMaxU32)); }
  int Int(const char* key) { return static_cast<int>(Number(key, 4096)); }

  double Real(const char* key) {
    const json* value = Find(key);
    if (value == nullptr || !value->is_number() || !std::isfinite(value->get<double>())) {
      Fail(key);
      return 0;
    }
    return value->get<double>();
  }
  std::optional<double> OptionalReal(const char* key) {
    if (!Has(key)) return std::nullopt;
    return Real(key);
  }
  bool Flag(const char* key) {
    const json* value = Find(key);
    if (value == nullptr || !value->is_boolean()) {
      Fail(key);
      return false;
    }
    return value->get<bool>();
  }
  std::string Text(const char* key) {
    const json* value = Find(key);
    if (value == nullptr || !value->is_string()) {
      Fail(key);
      return {};
    }
    return value->get_ref<const std::string&>();
  }
  const json& List(const char* key) {
    static const json empty = json::array();
    const json* value = Find(key);
    if (value != nullptr && value->is_array()) return *value;
    Fail(key);
    return empty;
  }
  std::vector<std::string> Texts(const char* key) {
    std::vector<std::string> texts;
    for (const json& item : List(key)) {
      if (item.is_string()) texts.push_back(item.get_ref<const std::string&>());
      else Fail(key);
    }
    return texts;
  }
  std::vector<uint32_t> Numbers32(const char* key) {
    std::vector<uint32_t> numbers;
    for (const json& item : List(key)) {
      if (item.is_number_unsigned() && item.get<uint64_t>() <= kMaxU32) numbers.push_back(item.get<uint32_t>());
      else Fail(key);
    }
    return numbers;
  }
  Fields Object(const char* key) {
    static const json empty = json::object();
    const json* value = Find(key);
    if (value == nullptr) Fail(key);
    return Fields(value == nullptr ? empty : *value, {}, problem_);
  }
  Fields Item(const json& item) { return Fields(item, {}, problem_); }

  std::string TailBytes() const { return std::string(tail_); }
  // The tail as an array of numbers.
  template <class T>
  std::vector<T> Tail() {
    std::vector<T> out(tail_.size() / sizeof(T));
    if (tail_.size() % sizeof(T) != 0) Fail("tail");
    if (!out.empty()) std::memcpy(out.data(), tail_.data(), out.size() * sizeof(T));
    if constexpr (std::is_floating_point_v<T>) {
      for (const T value : out) {
        if (!std::isfinite(value)) Fail("tail: a number that is not finite");
      }
    }
    return out;
  }

  void Fail(std::string_view what) {
    if (problem_->empty()) *problem_ = what;
  }

 private:
  const json& object_;
  std::string_view tail_;
  std::string* problem_;
};

template <class T>
void PutTail(const std::vector<T>& numbers, std::string* tail) {
  tail->assign(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T));
}

template <class Enum>
void GetNamed(Fields& fields, const char* key, std::initializer_list<Enum> all, Enum* out) {
  const std::string name = fields.Text(key);
  for (const Enum value : all) {
    if (loading::NameOf(value) != name) continue;
    *out = value;
    return;
  }
  fields.Fail(key);
}

void Get(Fields& fields, loading::Precision* out) {
  using enum loading::Precision;
  GetNamed(fields, "precision", {kAuto, kStored, kQ8, kQ4, kQ4s}, out);
}
void Get(Fields& fields, loading::KvType* out) {
  using enum loading::KvType;
  GetNamed(fields, "kv", {kAuto, kF16, kQ8}, out);
}

// --- Requests ---

void Put(json&, std::string*, const DescribeRequest&) {}
void Get(Fields&, DescribeRequest*) {}
void Put(json&, std::string*, const EncoderRequest&) {}
void Get(Fields&, EncoderRequest*) {}
void Put(json&, std::string*, const ShutdownRequest&) {}
void Get(Fields&, ShutdownRequest*) {}
void Put(json&, std::string*, const CancelRequest&) {}
void Get(Fields&, CancelRequest*) {}

void Put(json& out, std::string*, const loading::Wishes& wishes) {
  out["precision"] = loading::NameOf(wishes.precision);
  out["kv"] = loading::NameOf(wishes.kv);
  out["context"] = wishes.context_tokens;
  out["threads"] = wishes.threads;
  out["parent_bytes"] = wishes.parent_bytes;
}
void Get(Fields& fields, loading::Wishes* wishes) {
  Get(fields, &wishes->precision);
  Get(fields, &wishes->kv);
  wishes->context_tokens = fields.Number32("context");
  wishes->threads = fields.Int("threads");
  wishes->parent_bytes = fields.Number("parent_bytes");
}
void Put(json& out, std::string* tail, const PlanRequest& request) { Put(out, tail, request.wishes); }
void Get(Fields& fields, PlanRequest* request) { Get(fields, &request->wishes); }
void Put(json& out, std::string* tail, const LoadRequest& request) {
  Put(out, tail, request.wishes);
  json& avoided = out["avoided"] = json::array();
  for (const AvoidedPlan& plan : request.avoided) avoided.push_back({{"key", plan.key}, {"phase", plan.phase}});
}
void Get(Fields& fields, LoadRequest* request) {
  Get(fields, &request->wishes);
  for (const json& item : fields.List("avoided")) {
    Fields plan = fields.Item(item);
    request->avoided.push_back({plan.Number("key"), plan.Text("phase")});
  }
}

void Put(json& out, std::string*, const TokenizeRequest& request) {
  out["text"] = request.text;
  out["add_special"] = request.add_special;
  out["parse_special"] = request.parse_special;
}
void Get(Fields& fields, TokenizeRequest* request) {
  request->text = fields.Text("text");
  request->add_special = fields.Flag("add_special");
  request->parse_special = fields.Flag("parse_special");
}

void Put(json& out, std::string*, const CountRequest& request) { out["texts"] = request.texts; }
void Get(Fields& fields, CountRequest* request) { request->texts = fields.Texts("texts"); }

void Put(json& out, std::string*, const RenderRequest& request) {
  json& messages = out["messages"] = json::array();
  for (const text::Message& message : request.messages) {
    messages.push_back({{"role", message.role}, {"content", message.content}});
  }
  out["add_generation_prompt"] = request.add_generation_prompt;
  out["trusted"] = request.trusted;
}
void Get(Fields& fields, RenderRequest* request) {
  for (const json& item : fields.List("messages")) {
    Fields message = fields.Item(item);
    request->messages.push_back({message.Text("role"), message.Text("content")});
  }
  request->add_generation_prompt = fields.Flag("add_generation_prompt");
  request->trusted = fields.Flag("trusted");
}

void Put(json& out, std::string* tail, const engine::GenerateRequest& request) {
  PutTail(request.prompt, tail);
  out["max_tokens"] = request.max_tokens;
  out["repeat_penalty"] = request.sampling.repeat_penalty;
  out["repeat_window"] = request.sampling.repeat_window;
  out["temperature"] = request.sampling.temperature;
  out["top_k"] = request.sampling.top_k;
  out["top_p"] = request.sampling.top_p;
  out["min_p"] = request.sampling.min_p;
  out["seed"] = request.sampling.seed;
  out["stop"] = request.stop;
  out["ignore_end"] = request.ignore_end;
}
void Get(Fields& fields, engine::GenerateRequest* request) {
  request->prompt = fields.Tail<int32_t>();
  request->max_tokens = fields.Number32("max_tokens");
  request->sampling.repeat_penalty = fields.Real("repeat_penalty");
  request->sampling.repeat_window = fields.Number32("repeat_window");
  request->sampling.temperature = fields.Real("temperature");
  request->sampling.top_k = fields.Number32("top_k");
  request->sampling.top_p = fields.Real("top_p");
  request->sampling.min_p = fields.Real("min_p");
  request->sampling.seed = fields.Number("seed");
  request->stop = fields.Texts("stop");
  request->ignore_end = fields.Flag("ignore_end");
}

void Put(json& out, std::string* tail, const LogitsRequest& request) {
  PutTail(request.ids, tail);
  out["top"] = request.top;
}
void Get(Fields& fields, LogitsRequest* request) {
  request->ids = fields.Tail<int32_t>();
  request->top = fields.Number32("top");
}

void Put(json& out, std::string*, const BenchRequest& request) {
  out["prompt_tokens"] = request.prompt_tokens;
  out["decode_tokens"] = request.decode_tokens;
}
void Get(Fields& fields, BenchRequest* request) {
  request->prompt_tokens = fields.Number32("prompt_tokens");
  request->decode_tokens = fields.Number32("decode_tokens");
}

void Put(json& out, std::string* tail, const PerplexityRequest& request) {
  PutTail(request.ids, tail);
  out["chunk_tokens"] = request.chunk_tokens;
  out["chunks"] = request.chunks;
}
void Get(Fields& fields, PerplexityRequest* request) {
  request->ids = fields.Tail<int32_t>();
  request->chunk_tokens = fields.Number32("chunk_tokens");
  request->chunks = fields.Number32("chunks");
}

void Put(json& out, std::string* tail, const ConvertRequest& request) {
  *tail = request.path;
  out["precision"] = loading::NameOf(request.precision);
  out["replace"] = request.replace;
}
void Get(Fields& fields, ConvertRequest* request) {
  request->path = fields.TailBytes();
  Get(fields, &request->precision);
  request->replace = fields.Flag("replace");
}

void Put(json& out, std::string* tail, const EmbedRequest& request) {
  out["texts"] = request.texts;
  json& lengths = out["lengths"] = json::array();
  std::vector<int32_t> ids;
  for (const std::vector<int32_t>& sequence : request.sequences) {
    lengths.push_back(sequence.size());
    ids.insert(ids.end(), sequence.begin(), sequence.end());
  }
  PutTail(ids, tail);
  out["trusted"] = request.trusted;
  if (request.pooling) out["pooling"] = static_cast<int>(*request.pooling);
}
void Get(Fields& fields, EmbedRequest* request) {
  request->texts = fields.Texts("texts");
  const std::vector<int32_t> ids = fields.Tail<int32_t>();
  std::span<const int32_t> rest(ids);
  for (const uint32_t length : fields.Numbers32("lengths")) {
    if (length > rest.size()) return fields.Fail("lengths");
    request->sequences.emplace_back(rest.begin(), rest.begin() + length);
    rest = rest.subspan(length);
  }
  if (!rest.empty()) fields.Fail("lengths");
  request->trusted = fields.Flag("trusted");
  if (!fields.Has("pooling")) return;
  constexpr auto kLast = static_cast<uint64_t>(checkpoint::Pooling::kNone);
  request->pooling = static_cast<checkpoint::Pooling>(fields.Number("pooling", kLast));
}

void Put(json&, std::string* tail, const ParseRequest& request) { *tail = request.path; }
void Get(Fields& fields, ParseRequest* request) { request->path = fields.TailBytes(); }

// --- Events ---

void Put(json& out, std::string*, const Ready& ready) { out["version"] = ready.version; }
void Get(Fields& fields, Ready* ready) { ready->version = fields.Number32("version"); }
void Put(json& out, std::string*, const Heartbeat& beat) { out["memory_bytes"] = beat.memory_bytes; }
void Get(Fields& fields, Heartbeat* beat) { beat->memory_bytes = fields.Number("memory_bytes"); }
void Put(json& out, std::string*, const TextPiece& piece) { out["text"] = piece.text; }
void Get(Fields& fields, TextPiece* piece) { piece->text = fields.Text("text"); }
void Put(json& out, std::string*, const Planned& planned) {
  out["resident_bytes"] = planned.resident_bytes;
  out["key"] = planned.key;
}
void Get(Fields& fields, Planned* planned) {
  planned->resident_bytes = fields.Number("resident_bytes");
  planned->key = fields.Number("key");
}

void Put(json& out, std::string*, const Progress& progress) {
  out["phase"] = progress.phase;
  out["object"] = progress.object;
  out["index"] = progress.index;
  out["count"] = progress.count;
  out["done"] = progress.done;
  out["total"] = progress.total;
  out["unit"] = progress.unit;
  out["memory_bytes"] = progress.memory_bytes;
  out["limit_bytes"] = progress.limit_bytes;
}
void Get(Fields& fields, Progress* progress) {
  progress->phase = fields.Text("phase");
  progress->object = fields.Text("object");
  progress->index = fields.Number("index");
  progress->count = fields.Number("count");
  progress->done = fields.Number("done");
  progress->total = fields.Number("total");
  progress->unit = fields.Text("unit");
  progress->memory_bytes = fields.Number("memory_bytes");
  progress->limit_bytes = fields.Number("limit_bytes");
}

void Put(json& out, std::string*, const Error& error) {
  out["code"] = TraitsOf(error.code).name;
  out["message"] = error.message;
  out["cause"] = error.cause;
  out["next"] = error.next;
  out["file"] = error.file;
  if (error.offset) out["offset"] = *error.offset;
  if (error.needed_bytes) out["needed_bytes"] = *error.needed_bytes;
  if (error.limit_bytes) out["limit_bytes"] = *error.limit_bytes;
}
void Get(Fields& fields, Error* error) {
  error->code = CodeNamed(fields.Text("code"));
  error->message = fields.Text("message");
  error->cause = fields.Text("cause");
  error->next = fields.Text("next");
  error->file = fields.Text("file");
  if (fields.Has("offset")) error->offset = fields.Number("offset");
  if (fields.Has("needed_bytes")) error->needed_bytes = fields.Number("needed_bytes");
  if (fields.Has("limit_bytes")) error->limit_bytes = fields.Number("limit_bytes");
}

// --- Results ---

void Put(json& out, std::string*, const ModelSummary& summary) {
  out["architecture"] = summary.architecture;
  out["stored_as"] = summary.stored_as;
  out["parameters"] = summary.parameters;
  out["weight_bytes"] = summary.weight_bytes;
  out["max_positions"] = summary.max_positions;
  out["files"] = summary.files;
  out["notes"] = summary.notes;
}
void Get(Fields& fields, ModelSummary* summary) {
  summary->architecture = fields.Text("architecture");
  summary->stored_as = fields.Text("stored_as");
  summary->parameters = fields.Number("parameters");
  summary->weight_bytes = fields.Number("weight_bytes");
  summary->max_positions = fields.Number32("max_positions");
  summary->files = fields.Number32("files");
  summary->notes = fields.Texts("notes");
}

json ToJson(const loading::Rung& rung) {
  json out = {{"rung", rung.rung},
              {"precision", loading::NameOf(rung.precision)},
              {"precision_name", rung.precision_name},
              {"kv", loading::NameOf(rung.kv)},
              {"context", rung.context_tokens},
              {"resident_bytes", rung.resident_bytes},
              {"streamed_bytes", rung.streamed_bytes},
              {"total_bytes", rung.total_bytes},
              {"parts", rung.parts},
              {"fits", rung.fits}};
  if (rung.load_s) out["load_s"] = *rung.load_s;
  if (rung.decode_tok_s) out["decode_tok_s"] = *rung.decode_tok_s;
  return out;
}
void GetParts(Fields& fields, loading::Parts* parts) {
  const json& list = fields.List("parts");
  if (list.size() != parts->size()) return fields.Fail("parts");
  for (size_t i = 0; i < parts->size(); ++i) {
    if (!list[i].is_number_unsigned()) return fields.Fail("parts");
    (*parts)[i] = list[i].get<uint64_t>();
  }
}
void Get(Fields& fields, loading::Rung* rung) {
  rung->rung = fields.Text("rung");
  Get(fields, &rung->precision);
  rung->precision_name = fields.Text("precision_name");
  Get(fields, &rung->kv);
  rung->context_tokens = fields.Number32("context");
  rung->resident_bytes = fields.Number("resident_bytes");
  rung->streamed_bytes = fields.Number("streamed_bytes");
  rung->total_bytes = fields.Number("total_bytes");
  GetParts(fields, &rung->parts);
  rung->fits = fields.Flag("fits");
  rung->load_s = fields.OptionalReal("load_s");
  rung->decode_tok_s = fields.OptionalReal("decode_tok_s");
}

void Put(json& out, std::string*, const loading::Plan& plan) {
  out["fits"] = plan.fits;
  out["limit_bytes"] = plan.limit_bytes;
  out["chosen"] = ToJson(plan.chosen);
  json& alternatives = out["alternatives"] = json::array();
  for (const loading::Rung& rung : plan.alternatives) alternatives.push_back(ToJson(rung));
}
void Get(Fields& fields, loading::Plan* plan) {
  plan->fits = fields.Flag("fits");
  plan->limit_bytes = fields.Number("limit_bytes");
  Fields chosen = fields.Object("chosen");
  Get(chosen, &plan->chosen);
  for (const json& item : fields.List("alternatives")) {
    Fields rung = fields.Item(item);
    Get(rung, &plan->alternatives.emplace_back());
  }
}

void Put(json&, std::string* tail, const TokenIds& reply) { PutTail(reply.ids, tail); }
void Get(Fields& fields, TokenIds* reply) { reply->ids = fields.Tail<int32_t>(); }
void Put(json&, std::string* tail, const TokenCounts& reply) { PutTail(reply.counts, tail); }
void Get(Fields& fields, TokenCounts* reply) { reply->counts = fields.Tail<uint32_t>(); }

void Put(json& out, std::string* tail, const RenderedChat& chat) {
  out["text"] = chat.text;
  PutTail(chat.ids, tail);
}
void Get(Fields& fields, RenderedChat* chat) {
  chat->text = fields.Text("text");
  chat->ids = fields.Tail<int32_t>();
}

void Put(json& out, std::string*, const LoadReport& report) {
  out["rung"] = ToJson(report.rung);
  out["isa"] = report.isa;
  out["load_s"] = report.load_s;
  out["threads"] = report.threads;
  out["notes"] = report.notes;
}
void Get(Fields& fields, LoadReport* report) {
  Fields rung = fields.Object("rung");
  Get(rung, &report->rung);
  report->isa = fields.Text("isa");
  report->load_s = fields.Real("load_s");
  report->threads = fields.Int("threads");
  report->notes = fields.Texts("notes");
}

void Put(json& out, std::string* tail, const engine::GenerateResult& result) {
  PutTail(result.tokens, tail);
  out["text"] = result.text;
  out["prompt_tokens"] = result.prompt_tokens;
  out["stop_reason"] = result.stop_reason;
  out["prefill_s"] = result.prefill_s;
  out["decode_s"] = result.decode_s;
}
void Get(Fields& fields, engine::GenerateResult* result) {
  result->tokens = fields.Tail<int32_t>();
  result->text = fields.Text("text");
  result->prompt_tokens = fields.Number32("prompt_tokens");
  result->stop_reason = fields.Text("stop_reason");
  result->prefill_s = fields.Real("prefill_s");
  result->decode_s = fields.Real("decode_s");
}

// Pairs of (id, value bits) as numbers of one tail: a float comes through to the bit.
void Put(json& out, std::string* tail, const LogitsReport& report) {
  std::vector<uint32_t> pairs;
  for (const auto& [id, value] : report.top) {
    pairs.push_back(static_cast<uint32_t>(id));
    pairs.push_back(std::bit_cast<uint32_t>(value));
  }
  PutTail(pairs, tail);
  if (report.mean_logprob) out["mean_logprob"] = *report.mean_logprob;
}
void Get(Fields& fields, LogitsReport* report) {
  const std::vector<uint32_t> pairs = fields.Tail<uint32_t>();
  if (pairs.size() % 2 != 0) fields.Fail("tail");
  for (size_t i = 0; i + 1 < pairs.size(); i += 2) {
    const auto value = std::bit_cast<float>(pairs[i + 1]);
    if (!std::isfinite(value)) fields.Fail("a logit that is not finite");
    report->top.emplace_back(static_cast<int32_t>(pairs[i]), value);
  }
  report->mean_logprob = fields.OptionalReal("mean_logprob");
}

void Put(json& out, std::string*, const BenchReport& report) {
  out["prefill_tok_s"] = report.prefill_tok_s;
  out["decode_tok_s"] = report.decode_tok_s;
  out["prompt_tokens"] = report.prompt_tokens;
  out["decode_tokens"] = report.decode_tokens;
}
void Get(Fields& fields, BenchReport* report) {
  report->prefill_tok_s = fields.Real("prefill_tok_s");
  report->decode_tok_s = fields.Real("decode_tok_s");
  report->prompt_tokens = fields.Number32("prompt_tokens");
  report->decode_tokens = fields.Number32("decode_tokens");
}

void Put(json& out, std::string*, const engine::Perplexity& report) {
  out["perplexity"] = report.perplexity;
  out["standard_error"] = report.standard_error;
  out["tokens"] = report.tokens;
  out["chunks"] = report.chunks;
}
void Get(Fields& fields, engine::Perplexity* report) {
  report->perplexity = fields.Real("perplexity");
  report->standard_error = fields.Real("standard_error");
  report->tokens = fields.Number("tokens");
  report->chunks = fields.Number32("chunks");
}

void Put(json& out, std::string*, const ConvertReport& report) {
  out["bytes"] = report.bytes;
  out["planned_bytes"] = report.planned_bytes;
  out["seconds"] = report.seconds;
  out["notes"] = report.notes;
}
void Get(Fields& fields, ConvertReport* report) {
  report->bytes = fields.Number("bytes");
  report->planned_bytes = fields.Number("planned_bytes");
  report->seconds = fields.Real("seconds");
  report->notes = fields.Texts("notes");
}

void Put(json& out, std::string* tail, const Embeddings& embeddings) {
  PutTail(embeddings.vectors, tail);
  out["dimensions"] = embeddings.dimensions;
  out["tokens"] = embeddings.tokens;
  out["truncated"] = embeddings.truncated;
}
void Get(Fields& fields, Embeddings* embeddings) {
  embeddings->vectors = fields.Tail<float>();
  embeddings->dimensions = fields.Number32("dimensions");
  embeddings->tokens = fields.Numbers32("tokens");
  for (const json& item : fields.List("truncated")) embeddings->truncated.push_back(item == true);
  if (embeddings->truncated.size() != embeddings->tokens.size()) fields.Fail("truncated");
}

void Put(json& out, std::string*, const EncoderFacts& facts) {
  out["dimensions"] = facts.dimensions;
  out["max_tokens"] = facts.max_tokens;
  out["special_tokens"] = facts.special_tokens;
  out["identity"] = facts.identity;
}
void Get(Fields& fields, EncoderFacts* facts) {
  facts->dimensions = fields.Number32("dimensions");
  facts->max_tokens = fields.Number32("max_tokens");
  facts->special_tokens = fields.Number32("special_tokens");
  facts->identity = fields.Text("identity");
}

void Put(json&, std::string* tail, const ParsedDocument& document) { *tail = document.json; }
void Get(Fields& fields, ParsedDocument* document) { document->json = fields.TailBytes(); }

// --- Messages ---

// Nesting and number of values, seen in one pass before a tree is built.
bool ShapeIsModest(std::string_view text) {
  int depth = 0;
  uint64_t values = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      else if (c == '"') quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == ',' || c == ':') ++values;
    if ((c == '[' || c == '{') && ++depth > kMaxDepth) return false;
    if (c == ']' || c == '}') --depth;
    if (values > kMaxValues) return false;
  }
  return true;
}

Error BadMessage(std::string_view what) {
  return MakeError(ErrorCode::kInvalid, "a message between processes cannot be read: " + std::string(what));
}

template <class Message, size_t N>
Frame EncodeMessage(const Message& message, const std::array<std::string_view, N>& names) {
  Frame frame;
  json out = {{"id", message.id}, {"type", names[message.body.index()]}};
  std::visit([&](const auto& body) { Put(out, &frame.tail, body); }, message.body);
  frame.json = out.dump(-1, ' ', false, json::error_handler_t::replace);
  return frame;
}

// Makes the alternative with the number `index` and reads its fields.
template <class Body, size_t I = 0>
void GetBody(Fields& fields, size_t index, Body* body) {
  if constexpr (I < std::variant_size_v<Body>) {
    if (index == I) return Get(fields, &body->template emplace<I>());
    GetBody<Body, I + 1>(fields, index, body);
  }
}

template <class Message, size_t N>
Result<Message> DecodeMessage(const Frame& frame, const std::array<std::string_view, N>& names) {
  if (!ShapeIsModest(frame.json)) return BadMessage("too many values or too deeply nested");
  const json tree = json::parse(frame.json, nullptr, false);
  if (tree.is_discarded()) return BadMessage("not JSON");
  std::string problem;
  Fields fields(tree, frame.tail, &problem);
  Message message;
  message.id = fields.Number("id");
  const std::string type = fields.Text("type");
  size_t index = 0;
  while (index < N && names[index] != type) ++index;
  if (index == N) fields.Fail("type");
  GetBody(fields, index, &message.body);
  if (!problem.empty()) return BadMessage("'" + type.substr(0, 32) + "', at '" + problem + "'");
  return message;
}

}  // namespace

Frame Encode(const Request& request) { return EncodeMessage(request, kRequestNames); }
Frame Encode(const Reply& reply) { return EncodeMessage(reply, kReplyNames); }
Result<Request> DecodeRequest(const Frame& frame) { return DecodeMessage<Request>(frame, kRequestNames); }
Result<Reply> DecodeReply(const Frame& frame) { return DecodeMessage<Reply>(frame, kReplyNames); }

}  // namespace plimsoll::worker
