#include "worker/dispatch.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/model_main.h"
#include "worker/parse_main.h"

namespace plimsoll::worker {

std::optional<int> RunAsWorker(int argument_count, const char* const* arguments) {
  if (argument_count < 3 || std::string_view(arguments[1]) != "worker") return std::nullopt;
  const std::string_view kind = arguments[2];
  const std::vector<std::string> rest(arguments + 3, arguments + argument_count);
  if (kind == "model") return ModelWorkerMain(rest);
  if (kind == "parse") return ParserWorkerMain(rest);
  return std::nullopt;
}

}  // namespace plimsoll::worker
