# Sourced by ./dev: the proof on this machine.

run_demo() {
    local started keep=''
    case " $* " in *' --help '* | *' -h '*) keep=help ;; *' --keep '*) keep=kept ;; esac
    started=$(now_ms)
    if [[ $keep == help ]]; then
        run cargo run --quiet --release --locked -p cafe24-sync-tests --bin cafe24-demo -- --help
        return
    fi
    say "cafe24-sync demo   nothing leaves this machine"
    open_state demo "$keep"
    # The build waits for no server and the servers for no build; a first build takes minutes, so it comes first.
    run cargo build --quiet --release --locked -p cafe24-sync -p cafe24-sync-worker -p cafe24-sync-tests --bins ||
        die 'the build failed' 'cargo build --release'
    done_line build "release · $(minutes "$(seconds_since "$started")")"
    start_servers
    run target/release/cafe24-demo "$@"
}
