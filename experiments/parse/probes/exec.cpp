#include "probes/exec.h"

#include "experiments/parse/probes.h"

namespace blackstart {

template <> void describe_probe(Keys& keys, ExecProbe& probe) {
    keys.about = "A command of the user's, without a shell.";
    keys.add("run", type::argv(), probe.run).need().says("the command and its arguments, as an array");
    keys.add("value", extract(), probe.value).otherwise("stdout, a number if it is one").says("taken out of stdout");
    keys.nested("expect",
                [&probe](Keys& expect) {
                    expect.add("exit", type::whole<int>(0, 255), probe.exit).otherwise("0").says("exit code");
                    expect.add("stdout", type::text(), probe.output).says("a text that stdout contains");
                })
        .says("what makes one observation ok");
}

}  // namespace blackstart
