#!/usr/bin/env bash
# launch_test.sh TEST CHECKOUT RANK_PROGRAM MPI_TEST: what launchers and ranks do, seen from outside.
set -u
test=$1 checkout=$2 rank_program=$3 mpi_test=$4
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
local_sh=$checkout/launch/local.sh
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
  echo "FAILED: $*"
  cat "$folder"/* 2>/dev/null
  exit 1
}
# expect CODE command...: the command ends with that code; its output is in $folder/output.
expect() {
  local wanted=$1 code
  shift
  "$@" >"$folder/output" 2>&1
  code=$?
  [ "$code" = "$wanted" ] || fail "exit code $code instead of $wanted: $*"
}
says() { grep -q -- "$1" "$folder/output" || fail "'$1' was not said"; }
# Its exit codes are those of the ranks, whatever mpirun itself makes of them.
ranks() { DUSK=$rank_program "$local_sh" -n 3 -- "$@"; }
no_rank_left() {
  for _ in $(seq 50); do
    pgrep -f "$rank_program $1" >/dev/null || return 0
    sleep 0.1
  done
  fail "a rank is still running"
}

abort_ends_all_ranks() {
  expect 65 ranks abort
  no_rank_left abort
}

exception_ends_all_ranks() {
  expect 65 ranks throw
  says "the last rank found a damaged shard"
  no_rank_left throw
}

worst_code_is_returned() {
  expect 3 ranks code
}

local_sh_passes_arguments() {
  expect 0 ranks arguments 'two words' '' '--set=a.b=*'
  for rank in 0 1 2; do says "rank $rank: <two words> <> <--set=a.b=\*>"; done
}

# forwards SIGNAL: all ranks get it and end with 75; local.sh returns that.
forwards() {
  DUSK=$rank_program "$local_sh" -n 3 -- signal >"$folder/output" 2>&1 &
  local pid=$! code
  for _ in $(seq 100); do
    grep -q ready "$folder/output" && break
    sleep 0.1
  done
  says ready
  kill "-$1" "$pid"
  wait "$pid"
  code=$?
  [ "$code" = 75 ] || fail "exit code $code instead of 75 after $1"
  no_rank_left signal
}
local_sh_forwards_usr2() { forwards USR2; }
local_sh_forwards_term() { forwards TERM; }

local_sh_refuses_bad_usage() {
  DUSK=$rank_program
  export DUSK
  expect 64 "$local_sh"
  expect 64 "$local_sh" -n 0 -- code
  expect 64 "$local_sh" -n two -- code
  expect 64 "$local_sh" -n 2 --
  DUSK=$folder/absent expect 64 "$local_sh" -n 2 -- code
  says "no program at"
}

# hanging CODE RANK: a mpirun that stands still when its ranks have ended, as that of Debian 12 at times
# does, is ended, and CODE returned. RANK is the script of rank $rank; bash waits for all, then becomes a
# sleep, so that nobody but the ranks themselves can say how they ended.
hanging() {
  printf '%s\n' '#!/usr/bin/env bash' "$2" >"$folder/rank"
  cat >"$folder/mpirun" <<'SH'
#!/usr/bin/env bash
[ "$1" = --version ] && exit
until [ "$1" = bash ]; do shift; done
for rank in 0 1 2; do rank=$rank "$@" & done
wait
exec sleep 50
SH
  chmod +x "$folder/mpirun" "$folder/rank"
  PATH=$folder:$PATH DUSK=$folder/rank expect "$1" "$local_sh" -n 3 -- two 'words and more'
  says "all ranks have ended, but mpirun has not"
}
local_sh_ends_a_hanging_mpirun() {
  hanging 65 '[ "$2" = "words and more" ] || exit 70
    case $rank in 0) exit 76 ;; 1) sleep 3; exit 65 ;; *) kill -TERM $$ ;; esac'
}
local_sh_ends_a_mpirun_whose_ranks_left_no_word() {
  hanging 76 '[ "$rank" = 0 ] || kill -KILL $PPID'
}

# The launcher of another MPI leaves its claim in the environment, and ranks that know nobody.
singletons_are_refused() {
  expect 64 env PMI_SIZE=2 PMI_RANK=0 "$rank_program" code
  says "PMI_SIZE=2 says that 2 ranks were started, but MPI knows only this process"
  says "launch/local.sh"
  expect 64 env SLURM_STEP_ID=0 SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=4 "$rank_program" code
  says "SLURM_STEP_NUM_TASKS=4"
  says "pmix"
  expect 3 "$rank_program" code
}

broken_launcher_fails_the_test() {
  expect 2 "$mpi_test" --expect-ranks=2
  says "the launcher is broken"
  expect 2 "$mpi_test"
}

empty_filter_fails_the_test() {
  expect 2 "$mpi_test" --expect-ranks=1 --gtest_filter=NoSuchTest.*
}

bind_sh_deals_out_cores() {
  unset OMP_NUM_THREADS # it would hide cores from nproc
  [ "$(nproc)" -ge 2 ] || { echo "needs two cores"; exit 77; }
  expect 0 mpirun -n 2 --bind-to none "$checkout/launch/bind.sh" \
    awk '/^Cpus_allowed_list/ {print "cores", $2}' /proc/self/status
  [ "$(grep -c '^cores' "$folder/output")" = 2 ] || fail "two ranks should have spoken"
  [ "$(grep '^cores' "$folder/output" | sort -u | wc -l)" = 2 ] || fail "the same cores twice"
  # More ranks than cores: nobody is bound, everybody runs.
  expect 0 mpirun -n $(($(nproc) + 1)) --bind-to none --oversubscribe "$checkout/launch/bind.sh" true
}

"$test"
