#!/usr/bin/env bash
# fault_test.sh MODE CODE PATTERN CHECKOUT FAULT_PROGRAM DUSK: rank 1 of three goes wrong. All ranks are
# gone within the time-out (3 s) and 10 s, the launcher ends with CODE, and the doctor's first line
# matches PATTERN. Twice: started by local.sh, and by a launcher that lets the others live when a rank
# dies, as srun does. There the ranks have to leave by themselves.
set -u
mode=$1 code=$2 pattern=$3 checkout=$4 program=$5 dusk=$6
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
folder=$(mktemp -d)
trap 'pkill -KILL -f "^$program $mode $folder"; rm -rf "$folder"' EXIT
limit=15          # for the ranks: 3 s time-out, 10 s, and 2 s for the start
launcher_limit=19 # 4 s more until local.sh ends an mpirun that hangs

fail() {
  echo "FAILED: $*"
  cat "$folder/output"
  exit 1
}

# launch RUN command...: starts the ranks of RUN and waits for them and the launcher; `got` is its code.
launch() {
  local run=$1 start=$SECONDS seen=0 pid
  "${@:2}" >"$folder/output" 2>&1 &
  pid=$!
  while sleep 0.2; do
    if pgrep -f "^$program $mode $run" >/dev/null; then
      seen=1
      [ $((SECONDS - start)) -le $limit ] || fail "a rank is still running after $limit s"
    elif [ "$seen" = 1 ] || ! kill -0 "$pid" 2>/dev/null; then
      break
    fi
  done
  wait "$pid"
  got=$?
  [ $((SECONDS - start)) -le $launcher_limit ] || fail "the launcher took $((SECONDS - start)) s"
}

# check RUN: what must hold however the ranks were started.
check() {
  ! pgrep -f "$program $mode $1" >/dev/null || fail "a rank is still running"
  "$dusk" doctor --run "$1" >"$folder/doctor" || fail "the doctor found nothing"
  cat "$folder/doctor"
  head -1 "$folder/doctor" | grep -qE -- "$pattern" || fail "the doctor does not say '$pattern'"
}

echo "-- started by local.sh"
DUSK=$program launch "$folder/first" "$checkout/launch/local.sh" -n 3 -- "$mode" "$folder/first"
check "$folder/first"
[ "$got" -eq "$code" ] || fail "exit code $got instead of $code"

echo "-- started by a launcher that ends nobody"
cat >"$folder/rank" <<'SH'
#!/usr/bin/env bash
"${@:2}"
echo $? >"$1/code-$OMPI_COMM_WORLD_RANK"
SH
chmod +x "$folder/rank"
DUSK=$folder/rank OMPI_MCA_orte_enable_recovery=1 launch "$folder/second" \
  "$checkout/launch/local.sh" -n 3 -- "$folder" "$program" "$mode" "$folder/second"
check "$folder/second"
cat "$folder"/code-* 2>/dev/null | tr '\n' ' '
