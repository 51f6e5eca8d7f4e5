#!/usr/bin/env bash
# Makes what docker-compose.yml needs in deploy/secrets: random passwords, the URLs with them, the key that seals
# tokens, and the app's secret from CAFE24_ANALYTICS_CLIENT_SECRET. Existing files stay as they are.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/secrets"
umask 077

need() {
    if [[ -z ${!1:-} ]]; then
        printf 'error: %s is not set\n  do   %s=… deploy/make-secrets.sh   (from your app in the Cafe24 developer center)\n' \
            "$1" "$1" >&2
        exit 2
    fi
}

# keep FILE VALUE: an existing secret is in use somewhere.
keep() { if [[ ! -e $1 ]]; then printf '%s' "$2" >"$1"; fi; }
random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

need CAFE24_ANALYTICS_CLIENT_ID
if [[ ! -e client_secret ]]; then need CAFE24_ANALYTICS_CLIENT_SECRET; fi
keep client_secret "${CAFE24_ANALYTICS_CLIENT_SECRET:-}"
keep master_key "$(random)"
keep postgres_password "$(random)"
keep rabbitmq_password "$(random)"
keep database_url "postgres://cafe24:$(<postgres_password)@postgres:5432/cafe24_sync?sslmode=disable"
keep amqp_url "amqp://cafe24:$(<rabbitmq_password)@rabbitmq:5672/%2f"
printf 'CAFE24_UID=%s\nCAFE24_GID=%s\nCAFE24_ANALYTICS_CLIENT_ID=%s\n' \
    "$(id -u)" "$(id -g)" "$CAFE24_ANALYTICS_CLIENT_ID" >env
printf 'made in %s: keep a copy of master_key, without it stored tokens are lost\n' "$PWD" >&2
