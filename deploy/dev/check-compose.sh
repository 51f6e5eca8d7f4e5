#!/usr/bin/env bash
# check-compose.sh ROOT: whether docker-compose.yml is a sound Compose file. Asks Docker's client where it is there;
# it needs no engine for that. Else the check beside this file, which needs Python with PyYAML.
set -euo pipefail
cd "$1"
export CAFE24_UID=1000 CAFE24_GID=1000 CAFE24_ANALYTICS_CLIENT_ID=check POSTGRES_PORT=1 RABBIT_PORT=2 REDIS_PORT=3
files=(docker-compose.yml deploy/dev/compose.yml)
if docker compose version >/dev/null 2>&1; then
    for file in "${files[@]}"; do docker compose --file "$file" config --quiet; done
elif python3 -c 'import yaml' 2>/dev/null; then
    python3 deploy/dev/check_compose.py "${files[@]}"
else
    echo 'docker-compose.yml is not checked: neither docker compose nor Python with PyYAML is here' >&2
fi
