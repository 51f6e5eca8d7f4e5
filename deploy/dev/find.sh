# Sourced by ./dev and serve.sh: where the server programs of this machine are. Each prints a path or fails.
# The places beside PATH are those of the Debian and Ubuntu packages, which keep versions apart.

find_redis() { command -v redis-server || command -v valkey-server; }

# postgres, initdb, pg_isready, psql: all from the newest installed major, so that they fit together.
find_postgres() {
    local program=$1 found
    found=$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -V | tail -n 1)
    if [[ -x $found && -x ${found%/*}/$program ]]; then
        printf '%s\n' "${found%/*}/$program"
    else
        command -v "$program"
    fi
}

# The server's own script, not the wrapper in /usr/sbin: that one changes the user and the folder.
find_rabbit() {
    local program=$1 found
    found=$(printf '%s\n' /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/"$program" | sort -V | tail -n 1)
    if [[ -x $found ]]; then printf '%s\n' "$found"; else command -v "$program"; fi
}

# How libfaketime shall move a clock: the wall clock only, as the file says at each look, without memory shared between
# users.
moved_clock=(NO_FAKE_STAT=1 FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1 FAKETIME_DISABLE_SHM=1)

# under_clock FILE: the words before a command whose clock FILE moves.
under_clock() {
    local library
    library=$(find_moved_clock) || return 1
    printf '%s\n' env "LD_PRELOAD=$library" "FAKETIME_TIMESTAMP_FILE=$1" "${moved_clock[@]}"
}

find_moved_clock() {
    local found
    found=$(compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' | head -n 1) && printf '%s\n' "$found"
}

# missing_packages: Debian names of what is not here, one a line; nothing if all is.
missing_packages() {
    find_rabbit rabbitmq-server >/dev/null || echo rabbitmq-server
    find_redis >/dev/null || echo redis-server
    { find_postgres postgres && find_postgres initdb; } >/dev/null || echo postgresql
    if [[ -n ${wants_clock:-} ]] && ! find_moved_clock >/dev/null; then echo libfaketime; fi
    if [[ -n ${wants_clock:-} ]] && ! command -v python3 >/dev/null; then echo python3; fi
    if [[ -n ${wants_browser:-} ]]; then missing_browser; fi
}

# missing_browser: what the browser tests need; Korean pages want Korean letters.
missing_browser() {
    command -v chromium >/dev/null || echo chromium
    command -v chromedriver >/dev/null || echo chromium-driver
    if ! compgen -G '/usr/share/fonts/*/noto/NotoSans*CJK*' >/dev/null; then echo fonts-noto-cjk; fi
}
