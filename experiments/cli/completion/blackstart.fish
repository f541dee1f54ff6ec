# fish completion for blackstart: the program says what fits, so that this cannot drift from it
function __blackstart_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] complete -- $words[2..-1] 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c blackstart -f -a '(__blackstart_complete)'
