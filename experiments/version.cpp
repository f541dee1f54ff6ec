#include "experiments/version.h"

namespace blackstart {

const char* full_version() { return "blackstart " BLACKSTART_VERSION " (" BLACKSTART_COMMIT ")"; }

}  // namespace blackstart
