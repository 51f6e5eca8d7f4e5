# Sourced by ./dev: what people see. Answers go to stdout, everything else to stderr.

say() { printf '%s\n' "$@" >&2; }
done_line() { printf ' ✓ %-10s %s\n' "$1" "$2" >&2; }
note_line() { printf ' ! %-10s %s\n' "$1" "$2" >&2; }

# die WHAT [HINT]: one form for every error: what happened, then what to do.
die() {
    printf 'error: %s\n' "$1" >&2
    if [[ -n ${2:-} ]]; then printf '  do   %s\n' "$2" >&2; fi
    exit 1
}

# tail_log FILE: the last words of something that failed, and where the rest is.
tail_log() {
    say "  log  $1 (last 20 lines)"
    tail -n 20 "$1" 2>/dev/null | sed 's/^/       /' >&2 || true
}

# seconds_since START_MS: "3.1" from a number of `now_ms`.
now_ms() { date +%s%3N; }
seconds_since() {
    local spent=$(($(now_ms) - $1))
    printf '%d.%d' $((spent / 1000)) $((spent % 1000 / 100))
}

# minutes SECONDS.TENTHS: "1 m 52 s" above a minute, "3.1 s" below.
minutes() {
    local whole=${1%.*}
    if ((whole >= 60)); then printf '%d m %02d s' $((whole / 60)) $((whole % 60)); else printf '%s s' "$1"; fi
}
