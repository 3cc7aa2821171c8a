#!/bin/sh
# One run, in 8 tasks of a Slurm array: each task reads its share of the servers. Start it each minute:
# * * * * * sbatch --quiet /opt/watchman/examples/slurm-array.sh
# If a queue is full, Slurm removes the tasks that cannot begin in time, so that none pile up.
#SBATCH --job-name=watchman
#SBATCH --array=1-8
#SBATCH --time=00:02:00
#SBATCH --deadline=now+5minutes
#SBATCH --cpus-per-task=1
#SBATCH --mem=1G
# One file in the home directory of the user: Slurm says nothing if a job's output cannot be written.
#SBATCH --output=watchman.log
#SBATCH --open-mode=append
exec /opt/watchman/.venv/bin/watchman collect --shard auto --config /etc/watchman/config.yaml
