#!/usr/bin/env bash
# Gives each rank of a node cores of its own, near its GPU; stands between launcher and program:
#
#   srun launch/bind.sh build/release/dusk train ...
#   mpirun --bind-to none launch/bind.sh build/release/dusk train ...
#
# All GPUs stay visible: dusk takes the one with the number of its local rank, and hiding the others
# would break direct copies between GPUs of a node. The cores that the launcher allows, or those of
# them that belong to the GPU's NUMA node, are dealt out among the ranks that share them.
# With DUSK_BIND_SHOW=1 it prints what each rank gets.
set -u
rank=${OMPI_COMM_WORLD_LOCAL_RANK:-${MPI_LOCALRANKID:-${SLURM_LOCALID:-0}}}
ranks=${OMPI_COMM_WORLD_LOCAL_SIZE:-${MPI_LOCALNRANKS:-${SLURM_NTASKS_PER_NODE:-1}}}

# "0-3,8" -> "0 1 2 3 8"
expand() {
  local part
  for part in ${1//,/ }; do
    if [[ $part == *-* ]]; then seq -s ' ' "${part%-*}" "${part#*-}"; else echo "$part"; fi
  done | tr '\n' ' '
}

# NUMA node of the GPU with this number; nothing where there is none.
gpu_node() {
  command -v nvidia-smi >/dev/null || return
  local bus
  bus=$(nvidia-smi --query-gpu=pci.bus_id --format=csv,noheader -i "$1" 2>/dev/null) || return
  bus=${bus,,}
  cat "/sys/bus/pci/devices/${bus#0000}/numa_node" 2>/dev/null
}

allowed=$(expand "$(awk '/^Cpus_allowed_list/ {print $2}' /proc/self/status)")
node=$(gpu_node "$rank")
if [[ ${node:-} =~ ^[0-9]+$ ]]; then
  near=$(expand "$(cat "/sys/devices/system/node/node$node/cpulist")")
  cores=$(comm -12 <(tr ' ' '\n' <<<"$allowed" | sort) <(tr ' ' '\n' <<<"$near" | sort) |
    sort -n | xargs)
  sharing=0
  for other in $(seq 0 $((ranks - 1))); do
    [ "$(gpu_node "$other")" = "$node" ] || continue
    [ "$other" = "$rank" ] && position=$sharing
    sharing=$((sharing + 1))
  done
else
  cores=$allowed
  position=$rank
  sharing=$ranks
fi

read -ra list <<<"$cores"
each=$((${#list[@]} / sharing))
if [ "$each" -gt 0 ]; then
  own=$(IFS=,; echo "${list[*]:position * each:each}")
  bind=(taskset -c "$own")
  export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$each}
else
  own="all (fewer cores than ranks)"
  bind=()
  export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
fi
[ "${DUSK_BIND_SHOW:-}" = 1 ] && echo "local rank $rank of $ranks: cores $own" >&2
exec "${bind[@]}" "$@"
