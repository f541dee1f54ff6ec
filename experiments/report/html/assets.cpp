#include "experiments/report/html/assets.h"

// The assembler puts each file into the binary as it is; CMake names them and rebuilds this when one changes.
#define ASSET(name, file)                                      \
    asm(".section .rodata\n"                                   \
        ".local asset_" #name "\n.local asset_" #name          \
        "_end\n"                                               \
        "asset_" #name ":\n.incbin \"" file "\"\nasset_" #name \
        "_end:\n"                                              \
        ".previous\n");                                        \
    extern "C" const char asset_##name[];                      \
    extern "C" const char asset_##name##_end[];                \
    std::string_view blackstart::asset::name() { return {asset_##name, asset_##name##_end}; }

ASSET(page_html, PAGE "/page.html")
ASSET(page_css, PAGE "/page.css")
ASSET(page_js, PAGE "/page.js")
ASSET(uplot_css, UPLOT "/uPlot.min.css")
ASSET(uplot_js, UPLOT "/uPlot.iife.min.js")
