#include "injector/resolver_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace blackstart {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct ResolverPath : testing::Test {
    std::string root = testing::TempDir() + "resolver-XXXXXX";

    ResolverPath() { EXPECT_NE(::mkdtemp(root.data()), nullptr); }
    ~ResolverPath() override { std::filesystem::remove_all(root); }
    void write(const std::string& path, const std::string& text) const {
        std::filesystem::create_directories(std::filesystem::path(root + "/" + path).parent_path());
        std::ofstream(root + "/" + path) << text;
    }
};

TEST_F(ResolverPath, is_silent_where_programs_ask_their_servers_themselves) {
    EXPECT_THAT(resolver_path(root), IsEmpty());
    write("etc/nsswitch.conf", "passwd: files resolve\nhosts: files dns # resolve\n");
    write("etc/resolv.conf", "# nameserver 127.0.0.53\nnameserver 10.0.0.53\noptions edns0\n");
    EXPECT_THAT(resolver_path(root), IsEmpty());
}

TEST_F(ResolverPath, tells_of_resolve_stub_and_nscd) {
    write("etc/nsswitch.conf", "hosts: mymachines resolve [!UNAVAIL=return] files dns\n");
    write("etc/resolv.conf", "nameserver 127.0.0.53\n");
    write("run/nscd/socket", "");
    EXPECT_THAT(resolver_path(root), ElementsAre(HasSubstr("nss-resolve"), AllOf(HasSubstr("127.0.0.53"), HasSubstr("for ten seconds")),
                                                 HasSubstr("nscd is running")));
}

}  // namespace
}  // namespace blackstart
