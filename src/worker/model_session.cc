#include "worker/model_session.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <new>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "base/bytes.h"
#include "kernels/kernels.h"
#include "platform/clock.h"

namespace plimsoll::worker {
namespace {

Error NotLoaded(std::string_view kind, bool another_kind_is) {
  if (another_kind_is) {
    return MakeError(ErrorCode::kUsage, fmt::format("this is no {} model", kind)).Next(fmt::format("name a {} model", kind));
  }
  return MakeError(ErrorCode::kUsage, fmt::format("no {} model is loaded", kind)).Next("load one first");
}

}  // namespace

ModelSession::ModelSession(const SessionOptions& options, memory::Budget& budget, Activity& activity)
    : options_(options), budget_(budget), activity_(activity) {}

ModelSession::~ModelSession() { Unload(); }

Result<ReplyBody> ModelSession::Answer(const Request& request, const engine::TextSink& sink, const StopToken& stop) {
  sink_ = sink;
  stop_ = stop;
  try {
    PLIMSOLL_TRY(stop.Check());
    return std::visit([&](const auto& body) { return On(request.id, body); }, request.body);
  } catch (const std::bad_alloc&) {
    return MakeError(ErrorCode::kOutOfMemory, fmt::format("the system refused memory to the model process, {} in use of {}",
                                                          FormatBytes(budget_.used_bytes()),
                                                          FormatBytes(budget_.limit_bytes())))
        .Next("raise --memory or choose a smaller precision or context");
  } catch (const std::exception& problem) {
    return MakeError(ErrorCode::kInternal, fmt::format("unexpected in the model process: {}", problem.what()));
  }
}

Result<const checkpoint::Description*> ModelSession::Described() {
  if (!description_) {
    activity_.Phase("describing the model");
    PLIMSOLL_ASSIGN(description_, checkpoint::Describe(options_.model_path, stop_));
  }
  return &*description_;
}

engine::ModelText& ModelSession::Text() {
  if (!text_) {
    activity_.Phase("reading the tokenizer");
    text_.emplace(engine::ModelText::Open(options_.model_path));
  }
  return *text_;
}

Result<const text::Tokenizer*> ModelSession::Tokenizer() {
  if (embedder_) return embedder_->tokenizer();
  const engine::ModelText& text = generator_ ? generator_->text() : Text();
  if (!text.tokenizer) return Prefixed(text.tokenizer.error(), "tokenizer");
  return text.tokenizer->get();
}

Result<engine::LocalGenerator*> ModelSession::Generator() {
  if (!generator_) return NotLoaded("language", embedder_ != nullptr);
  return generator_.get();
}

Result<engine::LocalEmbedder*> ModelSession::Embedder() {
  if (!embedder_) return NotLoaded("embedding", generator_ != nullptr);
  return embedder_.get();
}

loading::Wishes ModelSession::Own(loading::Wishes wishes) const {
  wishes.threads = options_.threads > 0 ? options_.threads : platform::AvailableCores();
  wishes.parent_bytes = options_.parent_bytes;
  return wishes;
}

Result<ReplyBody> ModelSession::On(uint64_t, const DescribeRequest&) {
  PLIMSOLL_ASSIGN(const checkpoint::Description* description, Described());
  ModelSummary summary;
  summary.architecture = description->config.architecture_name;
  summary.stored_as = description->stored_as;
  summary.parameters = description->parameters;
  summary.weight_bytes = description->weight_bytes;
  summary.max_positions = description->config.max_tokens();
  summary.files = static_cast<uint32_t>(description->files.size());
  summary.notes = description->notes;
  return ReplyBody(std::move(summary));
}

Result<ReplyBody> ModelSession::On(uint64_t, const PlanRequest& request) {
  PLIMSOLL_ASSIGN(const checkpoint::Description* description, Described());
  PLIMSOLL_ASSIGN(loading::Plan plan, loading::MakePlan(*description, options_.limit_bytes, Own(request.wishes)));
  return ReplyBody(std::move(plan));
}

Result<ReplyBody> ModelSession::On(uint64_t, const TokenizeRequest& request) {
  PLIMSOLL_ASSIGN(const text::Tokenizer* tokenizer, Tokenizer());
  PLIMSOLL_ASSIGN(std::vector<int32_t> ids, tokenizer->Encode(request.text, {.add_special = request.add_special, .parse_special = request.parse_special}));
  return ReplyBody(TokenIds{std::move(ids)});
}

Result<ReplyBody> ModelSession::On(uint64_t, const CountRequest& request) {
  PLIMSOLL_ASSIGN(const text::Tokenizer* tokenizer, Tokenizer());
  TokenCounts reply;
  for (const std::string& text : request.texts) {
    PLIMSOLL_TRY(stop_.Check());
    PLIMSOLL_ASSIGN(const size_t count, tokenizer->CountTokens(text));
    reply.counts.push_back(static_cast<uint32_t>(count));
  }
  return ReplyBody(std::move(reply));
}

Result<ReplyBody> ModelSession::On(uint64_t, const RenderRequest& request) {
  PLIMSOLL_ASSIGN(const text::Tokenizer* tokenizer, Tokenizer());
  const engine::ModelText& text = generator_ ? generator_->text() : Text();
  PLIMSOLL_ASSIGN(const text::Rendered rendered,
                  engine::RenderMessages(text, request.messages, request.add_generation_prompt));
  RenderedChat chat;
  chat.text = rendered.Text();
  if (request.trusted) {
    PLIMSOLL_ASSIGN(chat.ids, tokenizer->Encode(chat.text, {.add_special = false, .rendered = true}));
  } else {
    PLIMSOLL_ASSIGN(chat.ids, engine::EncodeRendered(*tokenizer, rendered));
  }
  return ReplyBody(std::move(chat));
}

void ModelSession::Unload() {
  embedder_.reset();
  generator_.reset();
  weights_.reset();
  pool_.reset();
  base_ = {};
}

Result<ReplyBody> ModelSession::On(uint64_t id, const LoadRequest& request) {
  const double begin = platform::MonotonicSeconds();
  PLIMSOLL_ASSIGN(const kernels::KernelTable* table, kernels::SelectKernels());
  PLIMSOLL_ASSIGN(const checkpoint::Description* description, Described());
  const loading::Wishes wishes = Own(request.wishes);
  PLIMSOLL_ASSIGN(const loading::Plan plan, loading::MakePlan(*description, options_.limit_bytes, wishes));
  if (!plan.fits) return loading::DoesNotFit(*description, plan, wishes);
  LoadReport report;
  PLIMSOLL_ASSIGN(report.rung, ChooseRung(*description, plan, wishes, request.avoided, &report.notes));
  Unload();
  activity_.Planned(id, report.rung, PlanKey(*description, report.rung));
  Result<void> loaded = LoadRung(id, report.rung);
  if (!loaded) {
    Unload();
    return std::move(loaded).error();
  }
  report.isa = table->name;
  report.load_s = platform::MonotonicSeconds() - begin;
  report.threads = pool_->size();
  return ReplyBody(std::move(report));
}

Result<void> ModelSession::LoadRung(uint64_t id, const loading::Rung& rung) {
  const checkpoint::Description& description = *description_;
  PLIMSOLL_ASSIGN(base_, budget_.Reserve(memory::Tag::kProcessBase, loading::WorkerBaseBytes(description.config),
                                         "the model process"));
  engine::ModelText text = std::move(Text());
  text_.reset();
  pool_ = std::make_unique<platform::ThreadPool>(options_.threads);
  PLIMSOLL_ASSIGN(weights_, loading::Load(description, rung, budget_, *pool_, activity_.SinkFor(id), stop_));
  activity_.Phase("reserving work memory");
  if (description.config.encoder()) {
    PLIMSOLL_ASSIGN(engine::Encoder encoder, engine::Encoder::Create(*weights_, rung, budget_, *pool_));
    PLIMSOLL_ASSIGN(std::string identity, IdentityOf(description));
    PLIMSOLL_ASSIGN(embedder_, engine::LocalEmbedder::Create(std::move(encoder), std::move(text), description,
                                                             std::move(identity)));
    return {};
  }
  PLIMSOLL_ASSIGN(engine::Decoder decoder, engine::Decoder::Create(*weights_, rung, budget_, *pool_));
  generator_ = std::make_unique<engine::LocalGenerator>(std::move(decoder), std::move(text), description.config.end_ids,
                                                        budget_);
  return {};
}

Result<ReplyBody> ModelSession::On(uint64_t id, const engine::GenerateRequest& request) {
  PLIMSOLL_ASSIGN(engine::LocalGenerator* generator, Generator());
  PLIMSOLL_ASSIGN(engine::GenerateResult result, generator->Generate(request, sink_, activity_.SinkFor(id), stop_));
  return ReplyBody(std::move(result));
}

}  // namespace plimsoll::worker
