// From the system's file modes to ours. Internal to platform/'s *_posix.cc.
#pragma once

#include <cstdint>

#include "platform/file.h"

namespace plimsoll::platform {

FileKind KindOf(uint32_t mode);

}  // namespace plimsoll::platform
