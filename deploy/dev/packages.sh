# Sourced by ./dev: where RabbitMQ, Redis and Postgres come from.

# engine_answers: Docker Compose with a running engine behind it; never waits for a dead one.
engine_answers() {
    command -v docker >/dev/null || return 1
    timeout 5 docker compose version >/dev/null 2>&1 && timeout 5 docker info >/dev/null 2>&1
}

# servers_from VERB: prints docker or local. Tests kill and freeze servers by pid, so they always take local ones.
servers_from() {
    case ${CAFE24_DEV_SERVERS:-} in
        docker | local) echo "$CAFE24_DEV_SERVERS" ;;
        '') if [[ $1 != test ]] && engine_answers; then echo docker; else echo local; fi ;;
        *) die "CAFE24_DEV_SERVERS is '$CAFE24_DEV_SERVERS'" 'set it to docker or local, or unset it' ;;
    esac
}

# need_packages: installs what is missing. The packages' own services are not started: ours are private.
need_packages() {
    local missing started
    started=$(now_ms)
    mapfile -t missing < <(missing_packages)
    if ((${#missing[@]})); then install_packages "${missing[@]}"; fi
    command -v setpriv >/dev/null || die 'setpriv is missing' 'install util-linux'
    done_line packages "$(versions) · $(seconds_since "$started") s"
}

# Debian asks this script before it starts a service; 101 means no. An existing one is the owner's and stays.
policy=/usr/sbin/policy-rc.d policy_is_ours='' sudo=()

forbid_services() {
    if [[ -e $policy ]]; then return; fi
    policy_is_ours=yes
    printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
    "${sudo[@]}" chmod 755 "$policy"
}

# allow_services: also called when ./dev is interrupted, since the machine's owner wants services to start later.
allow_services() {
    if [[ -n $policy_is_ours ]]; then "${sudo[@]}" rm -f "$policy"; fi
    policy_is_ours=''
}

install_packages() {
    local log=$state/apt.log result=0
    command -v apt-get >/dev/null ||
        die "missing: $*" 'install RabbitMQ, Redis and Postgres, or start a Docker engine'
    if [[ $(id -u) != 0 ]]; then
        command -v sudo >/dev/null || die "missing: $*" "as root: apt-get install $*"
        sudo=(sudo)
        say "   installing $* (sudo asks for your password)"
        sudo -v || die "missing: $*" "as root: apt-get install $*"
    else
        say "   installing $*"
    fi
    forbid_services
    {
        "${sudo[@]}" apt-get update -q &&
            "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
    } >"$log" 2>&1 </dev/null || result=$?
    allow_services
    if ((result)); then
        tail_log "$log"
        die "could not install $*" "install by hand: apt-get install $*"
    fi
}

# versions: "rabbitmq 3.10.8 · redis 7.0.15 · postgres 15.16", from what is on the disk.
versions() {
    local rabbit redis postgres
    rabbit=$(basename "$(dirname "$(dirname "$(readlink -f "$(find_rabbit rabbitmq-server)")")")")
    redis=$("$(find_redis)" --version | sed -n 's/.* v=\([^ ]*\).*/\1/p')
    postgres=$("$(find_postgres postgres)" --version | awk '{print $3}')
    printf 'rabbitmq %s · redis %s · postgres %s' "${rabbit#rabbitmq_server-}" "$redis" "$postgres"
}
