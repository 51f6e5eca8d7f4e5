# Sourced by ./dev: the three private servers of one run, in one state folder.
#
#   $state/            target/dev/<verb>-<pid>; target/dev/<verb> when it is kept for ./dev down
#     env              addresses, to be sourced; written when all three answer
#     <server>.log     <server>.pid   <server>.port
#     data/<server>/   a link elsewhere if the user of Postgres may not enter this folder
#     clock            how far Postgres, the tests and the programs are ahead of this machine (./dev test --at)
#     kept             there if the servers stay after ./dev has ended

servers=(rabbit redis postgres)
start_limit_s=90
state='' kept='' moved_by=''

# open_state NAME [kept]: an empty folder for this run, and the promise that nothing of it is left running.
open_state() {
    state=$root/target/dev/$1 kept=${2:-}
    if [[ -z $kept ]]; then state+=-$$; fi
    if [[ -e $state ]]; then close_state; fi
    sweep_states
    mkdir -p "$state"
    if [[ -n $moved_by ]]; then echo "+$moved_by" >"$state/clock"; fi
    echo "$$ $(born $$)" >"$state/owner"
    if [[ -n $kept ]]; then touch "$state/kept"; fi
}

# sweep_states: folders of runs that were killed. Their servers ended with them (serve.sh --with-parent).
sweep_states() {
    local old
    for old in "$root"/target/dev/*/; do
        if [[ -e $old/kept ]] || lives "$old/owner"; then continue; fi
        (state=${old%/} && close_state)
    done
}

start_servers() {
    local started
    if [[ $(servers_from "$verb") == docker ]]; then
        started=$(now_ms)
        start_containers
    else
        need_packages
        started=$(now_ms)
        make_data
        start_local
    fi
    write_env
    # shellcheck source=/dev/null
    . "$state/env"
    done_line start "$(addresses) · $(seconds_since "$started") s"
}

make_data() {
    local reach=(test -x "$state/data")
    mkdir -p "$state/data"
    if [[ $(id -u) != 0 ]]; then return; fi
    id postgres >/dev/null 2>&1 || die 'there is no user postgres' 'run ./dev as another user than root'
    if setpriv --reuid=postgres --regid=postgres --init-groups -- "${reach[@]}"; then return; fi
    rmdir "$state/data"
    ln -s "$(mktemp -d /tmp/cafe24-dev.XXXXXX)" "$state/data"
    chmod 755 "$state/data/"
}

# start_local: all three at the same time; a second and third try for one whose port was taken meanwhile.
start_local() {
    local server tries=0
    local -A limit=()
    for server in "${servers[@]}"; do launch "$server"; limit[$server]=$((SECONDS + start_limit_s)); done
    for server in "${servers[@]}"; do
        until answers "$server" "$(<"$state/$server.port")"; do
            if is_running "$server" && ((SECONDS < limit[$server])); then sleep 0.1; continue; fi
            if grep -qiE 'address already in use|eaddrinuse' "$state/$server.log" && ((tries++ < 3)); then
                stop_one "$server"
                launch "$server"
                continue
            fi
            say "error: $server did not start"
            tail_log "$state/$server.log"
            exit 1
        done
    done
}

# launch SERVER: in a session of its own, so that Ctrl-C reaches ./dev alone and the order of stopping is ours.
# Not to be called in a subshell: the server would end with it.
launch() {
    local arguments=(--with-parent) port
    if [[ -n $kept ]]; then arguments=(); fi
    if [[ -n $moved_by && $1 == postgres ]]; then arguments+=(--clock "$state/clock"); fi
    port=$(free_ports 3)
    rm -rf "${state:?}/data/$1"
    echo "$port" >"$state/$1.port"
    # Background commands of a script ignore INT and QUIT unless told otherwise, and Postgres is stopped by them.
    env --default-signal=INT,QUIT setsid "$here/serve.sh" "$1" --port "$port" --dir "$state/data/$1" "${arguments[@]}" \
        >"$state/$1.log" 2>&1 </dev/null &
    echo "$! $(born $!)" >"$state/$1.pid"
    disown
}

# born PID: when the process started, in ticks since boot; fails if it has ended. Tells a process from a later one
# with the same pid, whatever programs it became in between.
born() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    read -ra stat <<<"${stat##*) }"
    if [[ ${stat[0]} == [ZX] ]]; then return 1; fi
    printf '%s\n' "${stat[19]}"
}

# lives FILE: whether the process that FILE names, by pid and birth, is still there.
lives() {
    local pid since
    { read -r pid since <"$1"; } 2>/dev/null || return 1
    [[ -n $since && $(born "$pid") == "$since" ]]
}

is_running() { lives "$state/$1.pid"; }

# are_up: whether all three of $state answer.
are_up() {
    local server
    [[ -e $state/env ]] || return 1
    for server in "${servers[@]}"; do answers "$server" "$(<"$state/$server.port")" || return 1; done
}

# stop_one SERVER: at once, since nobody needs the data; Postgres takes the signal that also ends its children. To the
# whole group, which during a start also holds initdb.
stop_one() {
    local pid signal=KILL wait=100
    is_running "$1" || return 0
    read -r pid _ <"$state/$1.pid"
    if [[ $1 == postgres ]]; then signal=QUIT; fi
    kill -CONT -- "-$pid" 2>/dev/null || true
    kill -"$signal" -- "-$pid" 2>/dev/null || true
    while is_running "$1" && ((wait-- > 0)); do sleep 0.1; done
    if is_running "$1"; then kill -KILL -- "-$pid" 2>/dev/null || true; fi
}

# close_state: stops what runs in $state and removes the folder. Safe to call twice, and halfway through a start.
close_state() {
    local server
    [[ -n $state && -d $state ]] || return 0
    if [[ -e $state/containers ]]; then stop_containers; fi
    for server in "${servers[@]}"; do stop_one "$server"; done
    if [[ -L $state/data ]]; then rm -rf "$(readlink -f "$state/data")"; fi
    rm -rf "$state"
}

write_env() {
    local rabbit redis postgres
    rabbit=$(<"$state/rabbit.port") redis=$(<"$state/redis.port") postgres=$(<"$state/postgres.port")
    cat >"$state/env" <<END
export TEST_AMQP_URL=amqp://guest:guest@127.0.0.1:$rabbit/%2f
export TEST_REDIS_URL=redis://127.0.0.1:$redis/0
export TEST_DATABASE_URL=postgres://postgres@127.0.0.1:$postgres/postgres
export TEST_STATE_DIR=$state/data
END
}

addresses() {
    printf 'amqp :%s · redis :%s · postgres :%s' \
        "$(<"$state/rabbit.port")" "$(<"$state/redis.port")" "$(<"$state/postgres.port")"
}
