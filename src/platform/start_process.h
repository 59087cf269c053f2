// The delicate part of starting a process: what happens between fork and exec. Internal to platform/'s *_posix.cc.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "platform/pipes.h"
#include "platform/process.h"

namespace plimsoll::platform {

// The child's own ends of its standard files. An `err` that is not open: inherited.
struct ChildFiles {
  Handle in, out, err;
};

// Starts the program; returns its process id once it runs (exec has succeeded). Any thread.
Result<int64_t> ForkAndExec(const ProcessSpec& spec, const ChildFiles& files);

}  // namespace plimsoll::platform
