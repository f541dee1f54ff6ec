// Tests that write /run/blackstart do so in a mount namespace of their own.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace blackstart {

// A fixture whose process has an empty /run/blackstart that nobody else sees.
class PrivateRun : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root: a private mount namespace";
        ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
        ASSERT_EQ(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
        ::mkdir("/run/blackstart", 0755);
        ASSERT_EQ(::mount("tmpfs", "/run/blackstart", "tmpfs", 0, "mode=0755"), 0);
    }
};

}  // namespace blackstart
