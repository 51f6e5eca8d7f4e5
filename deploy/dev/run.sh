# Sourced by ./dev: running programs so that a signal ends everything, whoever gets it.

child=''

# run COMMAND…: waits for it, but in a way that lets our traps run at once. A plain foreground command would hold
# them back until it ends; a plain background one would ignore Ctrl-C, hence `env --default-signal`. It ends with us
# even if we are killed.
run() {
    local result=0
    env --default-signal=INT,QUIT setpriv --pdeathsig TERM -- "$@" </dev/null &
    child=$!
    wait "$child" || result=$?
    child=''
    return "$result"
}

# on_signal NAME EXIT: passes it on, gives the child ten seconds to end its own children, then ends it.
on_signal() {
    local wait=100
    trap '' INT TERM HUP
    if [[ -n $child ]]; then
        kill -"$1" "$child" 2>/dev/null || true
        while kill -0 "$child" 2>/dev/null && ((wait-- > 0)); do sleep 0.1; done
        kill -KILL "$child" 2>/dev/null || true
    fi
    exit "$2"
}

# leave: runs however ./dev ends.
leave() {
    local result=$?
    trap '' INT TERM HUP
    allow_services
    if [[ -n $state && (-z $kept || $result != 0) ]]; then close_state; fi
    exit "$result"
}

trap leave EXIT
trap 'on_signal INT 130' INT
trap 'on_signal TERM 143' TERM
trap 'on_signal HUP 129' HUP
