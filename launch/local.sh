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

# What each rank runs. It leaves a file in the folder $1, and in it the exit code of the program, which
# mpirun may not live to tell. The traps keep it there when mpirun signals a rank's whole process group.
# shellcheck disable=SC2016
rank='trap : TERM USR2; : >"$1/$$"; "${@:2}"; code=$?; echo "$code" >"$1/$$"; exit "$code"'

# The PMIx library of Open MPI 4.1 on Debian 12 can stand still for ever while mpirun ends after an
# abort (it waits for a lock in memory that was freed). guard PID: kills a mpirun that outlives its ranks,
# and returns 9.
guard() {
  local over=''
  while sleep 2 2>/dev/null && kill -0 "$1" 2>/dev/null; do
    if [ -z "$(ls "$codes")" ] || ps --ppid "$1" -o stat= | grep -qv '^Z'; then
      over='' # not started yet, or alive
    elif [ -z "$over" ]; then
      over=yes
    else
      echo "local.sh: all ranks have ended, but mpirun has not: killed" >&2
      kill -KILL "$1"
      return 9
    fi
  done
}

# The exit code that a mpirun owed: that of the first rank that failed by itself. 76 may be an answer to
# that failure, and a signal (128 and more) the end that mpirun made.
owed_code() {
  local code
  while read -r code; do
    if [ "$code" -ne 0 ] && [ "$code" -ne 76 ] && [ "$code" -lt 128 ]; then echo "$code" && return; fi
  done < <(cd "$codes" && ls -tr | xargs -r cat)
  echo 76
}

codes=$(mktemp -d)
trap 'rm -rf "$codes"' EXIT
mpirun "${options[@]}" bash -c "$rank" rank "$codes" "$dusk" "$@" <&0 &
mpirun_pid=$!
guard "$mpirun_pid" </dev/null >/dev/null &
guard_pid=$!
again=1
trap 'again=1; kill -USR2 "$mpirun_pid" 2>/dev/null' TERM USR2
while [ "$again" = 1 ]; do # a signal ends `wait` early
  again=0
  wait "$mpirun_pid"
  code=$?
done
kill "$guard_pid" 2>/dev/null
wait "$guard_pid"
if [ $? -eq 9 ]; then exit "$(owed_code)"; fi
# mpirun says 128 + signal for a rank that was killed, and 1 for one that left without ending MPI.
if [ "$ranks" -gt 1 ] && { [ "$code" -eq 1 ] || [ "$code" -ge 128 ]; }; then code=76; fi
exit "$code"
