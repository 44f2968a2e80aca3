#!/usr/bin/env bash
# ranks_on_one_gpu.sh PROGRAM ARGUMENTS...: one rank of several that share a GPU, started by mpirun.
#
# NCCL 2.28 refuses two ranks on one GPU of one host ("Duplicate GPU detected"). With a host id of its
# own each rank counts as another host; shared memory and peer copies are then out of the question, and
# sockets remain. Few channels and no network plug-ins: the ranks take turns on the GPU.
set -eu
rank=${OMPI_COMM_WORLD_RANK:?start it with mpirun}
export NCCL_HOSTID="one-gpu-rank-$rank"
export NCCL_NET=Socket NCCL_SOCKET_IFNAME=lo NCCL_IB_DISABLE=1
export NCCL_P2P_DISABLE=1 NCCL_SHM_DISABLE=1 NCCL_MNNVL_ENABLE=0
export NCCL_MAX_CTAS=4 NCCL_RAS_ENABLE=0
exec "$@"
