// Tests that journal something start a guardian, which is this very program again.
#include <gtest/gtest.h>

#include <string_view>

#include "injector/kernel/guardian.h"

int main(int argc, char** argv) {
    if (argc > 1 && std::string_view(argv[1]) == "guardian") return blackstart::guardian_main(argc, argv);
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
