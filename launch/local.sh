#!/usr/bin/env bash
# Starts N ranks of dusk on this machine:
#
#   launch/local.sh -n N [--] <dusk arguments>
#   launch/local.sh -n 2 -- train configs/experiments/camvid_source_only.yaml --run runs/first
#
# The program is $DUSK, or build/release/dusk of this checkout. Each rank gets an equal share of the
# cores as threads (OMP_NUM_THREADS), unless that is set already. The exit code is that of the first
# rank that failed; 76, a communication failure, where a rank was killed or left without a word.
# SIGTERM and SIGUSR2 reach every rank as SIGUSR2, dusk's wish to stop: mpirun itself would answer
# SIGTERM by killing the ranks a second later.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
  printf 'usage: %s -n RANKS [--] <dusk arguments>\n' "$0" >&2
  [ $# -eq 0 ] || printf '%s\n' "$1" >&2
  exit 64
}

[ "${1:-}" = -n ] || usage "the number of ranks (-n) comes first"
ranks=${2:-}
[[ $ranks =~ ^[1-9][0-9]*$ ]] || usage "'$ranks' is no number of ranks"
shift 2
[ "${1:-}" = -- ] && shift
[ $# -gt 0 ] || usage "nothing to run"

dusk=${DUSK:-$here/../build/release/dusk}
[ -x "$dusk" ] || usage "no program at $dusk: build it (cmake --build --preset release), or set DUSK"
command -v mpirun >/dev/null || usage "mpirun is not installed (tools/bootstrap does it)"

cores=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)
options=(-n "$ranks")
if mpirun --version 2>/dev/null | grep -q 'Open MPI'; then
  # Open MPI binds each rank to one core when there are two or fewer of them: torch would see one.
  # Its slots are cores, not hardware threads: it would refuse two ranks on one core with two.
  # When a rank dies it asks the others to leave after this many seconds, and kills them after as
  # many again: time for them to see it and to write their reports (RUN/flight).
  options+=(--bind-to none --oversubscribe --mca odls_base_sigkill_timeout 2)
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
share=$((cores / ranks))
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((share > 0 ? share : 1))}

# ranks_of PID: "alive" while a child of this mpirun lives; else "ended" and the exit status, as wait(2)
# gives it, of each that it has not waited for.
ranks_of() {
  local stat ended=ended
  for stat in /proc/[0-9]*/stat; do
    read -r stat 2>/dev/null <"$stat" || continue
    read -ra stat <<<"${stat##*) }" # the name before it may have blanks; from here: state, parent, ...
    [ "${stat[1]}" = "$1" ] || continue
    [ "${stat[0]}" = Z ] || { echo alive && return; }
    ended+=" ${stat[-1]}"
  done
  echo "$ended"
}

# The PMIx library of Open MPI 4.1 on Debian 12 can stand still for ever while mpirun ends after an
# abort (it waits for a lock in memory that was freed). guard PID FILE: kills a mpirun that outlives its
# ranks; into FILE goes the exit code that it owed.
guard() {
  local before='' now='' started='' status code=76
  while sleep 2 2>/dev/null && kill -0 "$1" 2>/dev/null; do
    now=$(ranks_of "$1")
    if [ "$now" != ended ]; then started=yes; fi # before it starts them, too, it has none
    if [ "$started" ] && [ "$now" != alive ] && [ "$now" = "$before" ]; then
      # 76 may be an answer to another rank's failure; a code of its own is that failure's.
      for status in ${now#ended}; do
        case $((status & 127)),$((status >> 8)) in
          0,0 | 0,76) ;;
          0,*) code=$((status >> 8)) ;;
        esac
      done
      echo "local.sh: all ranks have ended, but mpirun has not: killed" >&2
      echo "$code" >"$2"
      kill -KILL "$1"
      return
    fi
    before=$now
  done
}

owed=$(mktemp)
trap 'rm -f "$owed"' EXIT
mpirun "${options[@]}" "$dusk" "$@" <&0 &
mpirun_pid=$!
guard "$mpirun_pid" "$owed" </dev/null >/dev/null &
guard_pid=$!
again=1
trap 'again=1; kill -USR2 "$mpirun_pid" 2>/dev/null' TERM USR2
while [ "$again" = 1 ]; do # a signal ends `wait` early
  again=0
  wait "$mpirun_pid"
  code=$?
done
if [ -s "$owed" ]; then exit "$(<"$owed")"; fi
kill "$guard_pid" 2>/dev/null
# mpirun says 128 + signal for a rank that was killed, and 1 for one that left without ending MPI.
if [ "$ranks" -gt 1 ] && { [ "$code" -eq 1 ] || [ "$code" -ge 128 ]; }; then code=76; fi
exit "$code"
