// The version of this build. The macro comes from CMakeLists.txt, the one place where it is written.
#pragma once

namespace blackstart {

// "blackstart 0.1.0 (097241f02c1d)": with the commit that it was built from; "unknown" outside a repository and an archive of one.
const char* full_version();

inline constexpr const char* kVersion = BLACKSTART_VERSION;

}  // namespace blackstart
