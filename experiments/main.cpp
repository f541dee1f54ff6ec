#include <cstdio>
#include <exception>
#include <string_view>

#include "experiments/cli/cli.h"
#include "injector/kernel/error.h"
#include "injector/kernel/guardian.h"

int main(int argc, char** argv) {
    if (argc > 1 && std::string_view(argv[1]) == "guardian") return blackstart::guardian_main(argc, argv);
    try {
        return blackstart::command_line(argc, argv);
    } catch (const blackstart::Misuse& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    } catch (const blackstart::Unfit& error) {
        std::fprintf(stderr, "%s\n", error.what());
        if (!error.fix.empty()) std::fprintf(stderr, "fix: %s\n", error.fix.c_str());
        return 4;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "blackstart: %s\n", error.what());
        return 4;
    }
}
