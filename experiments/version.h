// The version of this build. The macro comes from CMakeLists.txt, the one place where it is written.
#pragma once

namespace blackstart {

inline constexpr const char* kVersion = BLACKSTART_VERSION;

}  // namespace blackstart
