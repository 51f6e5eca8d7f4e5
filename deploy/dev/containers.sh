# Sourced by ./dev: the same three servers from images, where a Docker engine answers.

compose() {
    RABBIT_PORT=$(<"$state/rabbit.port") REDIS_PORT=$(<"$state/redis.port") POSTGRES_PORT=$(<"$state/postgres.port") \
        docker compose --project-name "cafe24-dev-${state##*/}" --file "$here/compose.yml" "$@"
}

start_containers() {
    local server log=$state/containers
    mkdir -p "$state/data"
    for server in "${servers[@]}"; do free_ports 1 >"$state/$server.port"; done
    if ! compose up --detach --wait --wait-timeout "$start_limit_s" >"$log" 2>&1; then
        compose logs --tail 20 >>"$log" 2>&1 || true
        tail_log "$log"
        die 'the containers did not start' 'or use local servers: CAFE24_DEV_SERVERS=local ./dev …'
    fi
}

stop_containers() { compose down --volumes --timeout 1 >>"$state/containers" 2>&1 || true; }
