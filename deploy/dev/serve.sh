#!/usr/bin/env bash
# Run one private server in the foreground. This process *becomes* the server (exec all the way), so that whoever
# started it may stop, kill or freeze the server by the pid it already has. Used by ./dev and by the test harness.
#
#   serve.sh redis|postgres|rabbit --port P --dir D [--with-parent] [--clock FILE] [--standby-of P2] [-- SERVER ARGUMENTS]
#   serve.sh ctl --dir D -- ARGUMENTS        rabbitmqctl for the RabbitMQ in D
#
# --port         loopback port; rabbit also takes P+1 (Erlang distribution) and P+2 (its own epmd)
# --dir          everything it writes; kept between starts, so a second start finds the same data
# --with-parent  the kernel ends the server when the process that called this script ends, however it ends
# --clock        the server's wall clock is moved by what FILE says (+3600), read anew at each look; it waits as ever
# --standby-of   Postgres: a copy of the one on port P2 that follows it until it is promoted
#
# In D, before the start: extra.conf (appended to rabbitmq.conf) and advanced.config (RabbitMQ's file of that name).
# Logs go to stdout and stderr. Nothing listens beyond the loopback. Data outlives a crash of the server, not of
# the machine (fsync is off).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/dev/find.sh
. "$here/find.sh"

port='' dir='' with_parent='' clock=() words='' standby_of=''

# Who starts us may see a moved clock (./dev test --at); a server sees it only if it is told to.
unset LD_PRELOAD FAKETIME_TIMESTAMP_FILE

parse() {
    while (($#)); do
        case $1 in
            --port) port=$2; shift 2 ;;
            --dir) dir=$2; shift 2 ;;
            --with-parent) with_parent=yes; shift ;;
            --standby-of) standby_of=$2; shift 2 ;;
            --clock) words=$(under_clock "$2"); mapfile -t clock <<<"$words"; shift 2 ;;
            --) shift; extra=("$@"); return ;;
            *) echo "serve.sh: unknown argument $1" >&2; exit 2 ;;
        esac
    done
}

# become SIGNAL COMMAND…: exec it; with --with-parent, SIGNAL comes when the parent is gone. Set last of all:
# the kernel forgets it when a process changes its user.
become() {
    local signal=$1; shift
    set -- "${clock[@]}" "$@"
    if [[ -n $with_parent ]]; then exec setpriv --pdeathsig "$signal" "${as_user[@]}" -- "$@"; fi
    if ((${#as_user[@]})); then exec setpriv "${as_user[@]}" -- "$@"; fi
    exec "$@"
}

# libfaketime leaves files under the pids of programs that were killed, and ends whoever gets such a pid as another user.
forget_killed() {
    local file
    for file in /dev/shm/{faketime_shm,sem.faketime_sem}_*; do
        if [[ ! -e /proc/${file##*_} ]]; then rm -f "$file" 2>/dev/null || true; fi
    done
}

redis() {
    become KILL "$(find_redis)" --port "$port" --bind 127.0.0.1 --dir "$dir" --daemonize no --logfile '' \
        --save '' --appendonly no --maxmemory 256mb --maxmemory-policy noeviction "${extra[@]}"
}

# Postgres refuses to run as root: the user that its package made takes over.
postgres() {
    if [[ $(id -u) == 0 ]]; then
        as_user=(--reuid=postgres --regid=postgres --init-groups)
        chown postgres "$dir"
    fi
    if [[ ! -s $dir/data/PG_VERSION ]]; then
        local run=()
        if ((${#as_user[@]})); then run=(setpriv "${as_user[@]}" --); fi
        rm -rf "$dir/data"
        if [[ -n $standby_of ]]; then
            (cd "$dir" && "${run[@]}" "$(find_postgres pg_basebackup)" --pgdata=data --host=127.0.0.1 \
                --port="$standby_of" --username=postgres --checkpoint=fast --no-sync --write-recovery-conf)
        else
            (cd "$dir" && "${run[@]}" "$(find_postgres initdb)" --pgdata=data --username=postgres --auth=trust \
                --encoding=UTF8 --locale=C --no-sync --no-instructions)
        fi
    fi
    if ((${#clock[@]})); then forget_killed; fi
    cd "$dir"
    # No shell may stand between: a killed postmaster leaves postmaster.pid, and Postgres copes with a stale one.
    become INT "$(find_postgres postgres)" -D data -p "$port" -c listen_addresses=127.0.0.1 \
        -c unix_socket_directories= -c fsync=off -c full_page_writes=off -c max_connections=300 \
        -c shared_buffers=256MB -c max_wal_size=2GB -c timezone=UTC -c log_timezone=UTC \
        -c log_line_prefix='%m [%p] %d ' "${extra[@]}"
}

# What every RabbitMQ program of this folder needs to find its node, and nothing of the system's own.
rabbit_environment() {
    port=${port:-$(<"$dir/port")}
    export HOME=$dir RABBITMQ_NODENAME=cafe24-$port@localhost ERL_EPMD_PORT=$((port + 2)) ERL_EPMD_ADDRESS=127.0.0.1
    export RABBITMQ_CONF_ENV_FILE=$dir/rabbitmq-env.conf RABBITMQ_CTL_DIST_PORT_MIN=$((port + 3))
    export RABBITMQ_CTL_DIST_PORT_MAX=$((port + 20))
}

rabbit() {
    echo "$port" >"$dir/port"
    rabbit_environment
    : >"$dir/rabbitmq-env.conf"
    echo '[].' >"$dir/enabled_plugins"
    {
        printf 'listeners.tcp.1 = 127.0.0.1:%s\nlog.console = true\nlog.console.level = warning\n' "$port"
        cat "$dir/extra.conf" 2>/dev/null || true
    } >"$dir/rabbitmq.conf"
    if [[ -e $dir/advanced.config ]]; then export RABBITMQ_ADVANCED_CONFIG_FILE=$dir/advanced.config; fi
    export RABBITMQ_NODE_PORT=$port RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_DIST_PORT=$((port + 1))
    export RABBITMQ_MNESIA_BASE=$dir/data RABBITMQ_LOG_BASE=$dir/log RABBITMQ_LOGS=-
    export RABBITMQ_CONFIG_FILE=$dir/rabbitmq.conf RABBITMQ_ENABLED_PLUGINS_FILE=$dir/enabled_plugins
    export RABBITMQ_GENERATED_CONFIG_DIR=$dir/config RABBITMQ_PID_FILE=$dir/rabbit.pid
    export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+B i +S 2:2 -kernel inet_dist_use_interface {127,0,0,1}'
    mkdir -p "$dir/data" "$dir/log"
    # Our own epmd, as a child of the node that we are about to become: it goes when the node goes. One that Erlang
    # starts by itself would stay behind for ever.
    if ! epmd -names >/dev/null 2>&1; then setpriv --pdeathsig KILL epmd & fi
    local wait=50
    until epmd -names >/dev/null 2>&1; do
        ((wait-- > 0)) || { echo "serve.sh: epmd does not answer on port $ERL_EPMD_PORT" >&2; exit 1; }
        sleep 0.1
    done
    # `detached` makes RabbitMQ's script exec the Erlang machine in its own place.
    export detached=yes
    become KILL "$(find_rabbit rabbitmq-server)" "${extra[@]}"
}

ctl() {
    rabbit_environment
    exec "$(find_rabbit rabbitmqctl)" "${extra[@]}"
}

extra=() as_user=()
verb=${1:-}
case $verb in
    redis | postgres | rabbit | ctl) ;;
    *) sed -n '2,16p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
shift
parse "$@"
[[ -n $dir ]] && { [[ -n $port ]] || [[ $verb == ctl ]]; } || { echo 'serve.sh: --dir and --port are needed' >&2; exit 2; }
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
"$verb"
