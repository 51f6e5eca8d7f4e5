# Sourced by ./dev: everything that must be green before a change is in.

summary=()

# step NAME COMMAND…: its seconds go into the summary; the first failure ends the run.
step() {
    local name=$1 started result=0
    shift
    started=$(now_ms)
    run "$@" || result=$?
    summary+=("$(printf '%-12s %8s' "$name" "$(minutes "$(seconds_since "$started")")")")
    if ((result)); then
        note_line "$name" "failed after $(minutes "$(seconds_since "$started")")"
        exit 1
    fi
    done_line "$name" "$(minutes "$(seconds_since "$started")")"
}

# cargo_tests ARGS…: nextest if it is there (a process a test), else cargo's own.
cargo_tests() {
    local args=() filter=()
    while (($#)); do
        if [[ $1 == -- ]]; then shift; filter=("$@"); break; fi
        args+=("$1"); shift
    done
    if command -v cargo-nextest >/dev/null; then
        echo cargo nextest run ${CI:+--profile ci} --no-fail-fast --no-tests=pass --status-level slow --final-status-level flaky \
            "${args[@]}" "${filter[@]}"
    else
        echo cargo test --no-fail-fast "${args[@]}" -- "${filter[@]}"
    fi
}

test_lints() {
    step fmt cargo fmt --all --check
    step clippy cargo clippy --workspace --all-targets --locked -- -D warnings
    step docs env RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --workspace --locked
    step supply "$here/check-supply.sh" "$root"
    step compose "$here/check-compose.sh" "$root"
}

test_units() {
    local command
    read -ra command <<<"$(cargo_tests --workspace --locked --lib --bins -- "$@")"
    step unit "${command[@]}"
    if (($# == 0)); then step doctests cargo test --workspace --locked --doc --quiet; fi
}

# test_integration NAME [FILTER…]: the tests start the programs themselves and look for them beside their own file.
test_integration() {
    local name=$1 command
    shift
    step build cargo build --workspace --locked --bins
    read -ra command <<<"$(cargo_tests -p cafe24-sync-tests --locked --test it -- "$@")"
    step "$name" "${command[@]}"
}

# clock_at TIME: what holds at this hour may not at another. Only ahead: see tests/src/harness/clock.rs. Redis keeps this machine's
# clock, and a signal handler of Postgres may see it: tests of the doctor, who compares clocks, and of sessions that Postgres ends
# after a while (s02_, p07_) fail there.
clock_at() {
    local now time
    now=$(date +%s)
    time=$(TZ=Asia/Seoul date -d "$1" +%s 2>/dev/null) || die "'$1' is no time" "--at 06:35, or --at '2027-01-01 06:35' (KST)"
    if [[ $1 == ??:?? ]] && ((time < now)); then ((time += 86400)); fi
    if ((time < now)); then die "'$1' has passed" 'a clock can be moved ahead only'; fi
    moved_by=$((time - now))
}

# move_clock: for the tests and their programs. cargo keeps its own: rustc hangs under libfaketime.
move_clock() {
    local runner
    runner=$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')
    # cargo parts it at blanks.
    export "CARGO_TARGET_${runner}_RUNNER=$(under_clock "$state/clock" | paste -sd ' ')"
}

# run_tests [--at TIME] [lint|unit|it|browser] [FILTER…]; a browser is installed unless a filter may leave its tests out.
run_tests() {
    local what started wants_browser='' wants_clock=''
    started=$(now_ms)
    if [[ ${1:-} == --at ]]; then clock_at "${2:-}"; shift "$(($# < 2 ? $# : 2))"; fi
    what=${1:-all}
    if (($#)); then shift; fi
    case $what:$# in all:* | browser:* | it:0) wants_browser=yes ;; esac
    case $what in all | it) wants_clock=yes ;; esac
    if [[ -n $moved_by ]]; then wants_clock=yes; fi
    case $what in lint) ;; all | unit | it | browser) open_state test; start_servers ;; esac
    if [[ -n $moved_by ]]; then move_clock; fi
    case $what in
        all) rm -rf "$root/target/test-logs"; test_lints; test_units; test_integration it ;;
        lint) test_lints ;;
        unit) test_units "$@" ;;
        it) test_integration it "$@" ;;
        browser) test_integration browser "${@:-browser::}" ;;
        *) die "there is no part '$what'" './dev test [lint|unit|it|browser] [FILTER…]' ;;
    esac
    say '' "$(printf '   %s\n' "${summary[@]}")"
    done_line 'all' "$(minutes "$(seconds_since "$started")")"
}
