# Sourced by ./dev: the proof on this machine.

run_demo() {
    local started
    started=$(now_ms)
    case " $* " in
        *' --help '* | *' -h '*)
            run cargo run --quiet --release --locked -p cafe24-sync-tests --bin cafe24-demo -- --help
            return
            ;;
    esac
    say 'cafe24-sync demo   nothing leaves this machine'
    open_state demo
    # Before the servers start: a first build takes minutes and both cores.
    run cargo build --quiet --release --locked -p cafe24-sync -p cafe24-sync-worker -p cafe24-sync-tests --bins ||
        die 'the build failed' 'cargo build --release'
    done_line build "release · $(minutes "$(seconds_since "$started")")"
    start_servers
    run target/release/cafe24-demo "$@"
}
