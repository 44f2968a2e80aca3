#!/usr/bin/env bash
# fault_test.sh MODE CODE PATTERN CHECKOUT FAULT_PROGRAM DUSK: rank 1 of three goes wrong. All ranks are
# gone within the time-out (3 s) and 10 s, the launcher ends with CODE, and the doctor's first line
# matches PATTERN. Twice: started by local.sh, and by a launcher that lets the others live when a rank
# dies, as srun does. There the ranks have to leave by themselves.
set -u
mode=$1 code=$2 pattern=$3 checkout=$4 program=$5 dusk=$6
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
limit=19 # 3 s time-out, 10 s, 2 s for the start, and 4 s until local.sh ends an mpirun that hangs

fail() {
  echo "FAILED: $*"
  cat "$folder/output"
  exit 1
}

# check RUN SECONDS: what must hold however the ranks were started.
check() {
  [ "$2" -le $limit ] || fail "it took $2 s"
  ! pgrep -f "$program $mode $1" >/dev/null || fail "a rank is still running"
  "$dusk" doctor --run "$1" >"$folder/doctor" || fail "the doctor found nothing"
  cat "$folder/doctor"
  head -1 "$folder/doctor" | grep -qE -- "$pattern" || fail "the doctor does not say '$pattern'"
}

echo "-- started by local.sh"
start=$SECONDS
DUSK=$program "$checkout/launch/local.sh" -n 3 -- "$mode" "$folder/first" >"$folder/output" 2>&1
got=$?
check "$folder/first" $((SECONDS - start))
[ "$got" -eq "$code" ] || fail "exit code $got instead of $code"

echo "-- started by a launcher that ends nobody"
cat >"$folder/rank" <<'SH'
#!/usr/bin/env bash
"${@:2}"
echo $? >"$1/code-$OMPI_COMM_WORLD_RANK"
SH
chmod +x "$folder/rank"
start=$SECONDS
DUSK=$folder/rank OMPI_MCA_orte_enable_recovery=1 timeout 60 "$checkout/launch/local.sh" -n 3 -- \
  "$folder" "$program" "$mode" "$folder/second" >"$folder/output" 2>&1
check "$folder/second" $((SECONDS - start))
cat "$folder"/code-* 2>/dev/null | tr '\n' ' '
