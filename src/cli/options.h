// What a command line says, as plain values. Filled by arguments.h, read by the commands.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/generator.h"

namespace plimsoll::cli {

// Every command takes these.
struct GlobalOptions {
  bool json = false;
  bool quiet = false;
  std::string progress = "auto";  // auto, plain, json, none
  std::string memory;             // a size; empty: the default limit
  int threads = 0;                // 0: all cores
  std::string home;
};

// Commands that load a model take these.
struct ModelOptions {
  std::string model;
  std::string precision = "auto";
  std::string stream = "auto";
  std::string kv = "auto";
  uint32_t context_tokens = 0;
  bool no_cache = false;
};

struct Options {
  GlobalOptions global;
  ModelOptions model;
  std::string collection = "default";

  std::vector<std::string> paths;        // ingest PATH...
  std::string embedder;                  // ingest --embedder
  std::string query;                     // search QUERY
  uint32_t top = 10;                     // search --top, logits --top
  std::string mode = "hybrid";           // search --mode
  std::string question;                  // ask QUESTION
  std::vector<std::string> in_paths;     // ask --in
  std::string backend = "auto";          // ask --backend
  std::string prompt;                    // generate --prompt
  std::string prompt_file;               // generate --prompt-file
  bool chat = false;                     // generate --chat
  uint32_t max_tokens = 256;
  engine::Sampling sampling;             // generate
  std::vector<std::string> stop;         // generate --stop
  bool ignore_eos = false;
  std::string jsonl;                     // embed, tokenize
  std::string pooling;                   // embed --pooling; empty: as the model says
  std::optional<std::string> embed_prompt;  // embed --prompt: its name in the model's files; none: the model's default
  bool no_special = false;               // tokenize --no-special
  std::string ids;                       // logits --ids
  std::string messages;                  // template --messages
  bool no_generation_prompt = false;
  uint32_t prompt_tokens = 512;          // bench
  uint32_t decode_tokens = 64;
  std::string text_file;                 // perplexity --text
  uint32_t chunks = 0;                   // perplexity
  std::string out;                       // convert
  bool force = false;
  std::string name;                      // model add|remove|check, documents remove, collections remove
  std::string path;                      // model add PATH
  std::string default_role;              // model add --default
  bool forget = false;                   // doctor --forget
};

}  // namespace plimsoll::cli
