# Sourced by ./dev: the proof on this machine.

run_demo() {
    local started profile=release folder=release
    started=$(now_ms)
    # CI's tests have just built these programs; optimising them would take longer than all else here.
    if [[ -n ${CI:-} ]]; then profile=dev folder=debug; fi
    case " $* " in
        *' --help '* | *' -h '*)
            run cargo run --quiet --profile "$profile" --locked -p cafe24-sync-tests --bin cafe24-demo -- --help
            return
            ;;
    esac
    say 'cafe24-sync demo   nothing leaves this machine'
    open_state demo
    # Before the servers start: a first build takes minutes and both cores.
    run cargo build --quiet --profile "$profile" --locked -p cafe24-sync -p cafe24-sync-worker -p cafe24-sync-tests --bins ||
        die 'the build failed' "cargo build --profile $profile"
    done_line build "$profile · $(minutes "$(seconds_since "$started")")"
    start_servers
    run "target/$folder/cafe24-demo" "$@"
}
