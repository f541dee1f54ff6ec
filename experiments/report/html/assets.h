// The parts of the page, as they were when blackstart was built.
#pragma once

#include <string_view>

namespace blackstart::asset {

std::string_view page_html();
std::string_view page_css();
std::string_view page_js();
std::string_view uplot_css();
std::string_view uplot_js();

}  // namespace blackstart::asset
