# bpf_object(NAME SOURCE): compiles SOURCE for the BPF machine and makes NAME.skel.h from it; a target that links
# bpf_NAME may include "NAME.skel.h". The rebuild follows every header that SOURCE includes (the compiler's depfile).
find_program(BPF_CLANG NAMES clang-14 clang REQUIRED)
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)
find_program(LLVM_STRIP NAMES llvm-strip-14 llvm-strip REQUIRED)

function(bpf_object name source)
  set(out ${CMAKE_BINARY_DIR}/bpf)
  file(MAKE_DIRECTORY ${out})
  get_filename_component(source ${source} ABSOLUTE)
  add_custom_command(
    OUTPUT ${out}/${name}.skel.h
    COMMAND ${BPF_CLANG} -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter
            -I${CMAKE_SOURCE_DIR} -I/usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
            -MD -MF ${out}/${name}.d -MT ${out}/${name}.skel.h -c ${source} -o ${out}/${name}.bpf.o
    COMMAND ${LLVM_STRIP} -g ${out}/${name}.bpf.o
    COMMAND ${BPFTOOL} gen skeleton ${out}/${name}.bpf.o name ${name}_bpf > ${out}/${name}.skel.h.new
    COMMAND ${CMAKE_COMMAND} -E rename ${out}/${name}.skel.h.new ${out}/${name}.skel.h
    DEPENDS ${source}
    DEPFILE ${out}/${name}.d
    COMMENT "BPF ${name}"
    VERBATIM)
  add_custom_target(bpf_${name}_skeleton DEPENDS ${out}/${name}.skel.h)
  add_library(bpf_${name} INTERFACE)
  add_dependencies(bpf_${name} bpf_${name}_skeleton)
  # A skeleton is bpftool's text, not ours: its warnings are not our errors.
  target_include_directories(bpf_${name} SYSTEM INTERFACE ${out})
endfunction()
