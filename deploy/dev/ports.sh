# Sourced by ./dev: free ports and "does it answer", with nothing but bash.

# Below the kernel's range for outgoing connections (32768 and up), so that no connection takes a port while its
# server restarts.
lowest_port=20000
highest_port=32000

is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_ports COUNT: the first of COUNT free ports in a row.
free_ports() {
    local first offset tries
    for ((tries = 0; tries < 200; tries++)); do
        first=$((lowest_port + (RANDOM * 32768 + RANDOM) % (highest_port - lowest_port - $1)))
        for ((offset = 0; offset < $1; offset++)); do
            is_free $((first + offset)) || continue 2
        done
        echo "$first"
        return
    done
    die 'no free ports on the loopback'
}

# answers KIND PORT: whether the server speaks its protocol, not only whether the port is open.
answers() {
    case $1 in
        redis) says "$2" 'PING\r\n' '+PONG' ;;
        rabbit) says "$2" 'AMQP\x00\x00\x09\x01' $'\x01' ;;
        postgres) "$(find_postgres pg_isready)" -q -h 127.0.0.1 -p "$2" -U postgres ;;
    esac
}

# says PORT BYTES START: sends the bytes and compares the first of the answer.
says() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    timeout 2 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1" && printf "$2" >&3 && IFS= read -r -n "${#3}" got <&3 &&
        [[ $got == "$3" ]]' _ "$@" 2>/dev/null
}
