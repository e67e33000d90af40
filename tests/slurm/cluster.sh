# tests/slurm/cluster.sh: sourced: a real Slurm of one node on this machine, for as long as the script runs
# start_cluster FOLDER CPUS puts all of its files into FOLDER and sets SLURM_CONF; the programs are Debian's packages
# munge, slurmctld, slurmd and slurm-client. Run as root: slurmd starts jobs under their owner's name.

has_slurm() {
  local program
  for program in munged slurmctld slurmd sbatch; do
    command -v $program > /dev/null || { echo "no $program here (Debian: munge slurmctld slurmd slurm-client)"; return 1; }
  done
  [[ $(id -u) == 0 ]] || { echo "slurmd needs root"; return 1; }
}

# until_true SECONDS COMMAND...
until_true() {
  local end=$((SECONDS + $1))
  until "${@:2}" > /dev/null 2>&1; do
    ((SECONDS < end)) || return 1
    sleep 0.2
  done
}

start_cluster() {
  cluster=$(realpath "$1")
  local cpus=$2 host port=$((20000 + RANDOM % 20000))
  host=$(hostname -s)
  mkdir -p "$cluster/state" "$cluster/spool"
  dd if=/dev/urandom of="$cluster/munge.key" bs=1 count=1024 status=none
  chmod 400 "$cluster/munge.key"
  munged --force --key-file="$cluster/munge.key" --socket="$cluster/munge.socket" --pid-file="$cluster/munge.pid" \
    --log-file="$cluster/munge.log" --seed-file="$cluster/munge.seed" || return 1
  cat > "$cluster/slurm.conf" << EOF
ClusterName=cordis
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthType=auth/munge
AuthInfo=socket=$cluster/munge.socket
CredType=cred/munge
StateSaveLocation=$cluster/state
SlurmdSpoolDir=$cluster/spool
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmdPidFile=$cluster/slurmd.pid
SlurmctldLogFile=$cluster/slurmctld.log
SlurmdLogFile=$cluster/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,batch_sched_delay=0
KillWait=30
MinJobAge=3600
SlurmdTimeout=6
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
EOF
  export SLURM_CONF=$cluster/slurm.conf
  slurmctld -c || return 1
  slurmd -c || return 1
  until_true 30 bash -c "sinfo -h -o %T | grep -q idle" || { tail -5 "$cluster"/*.log; return 1; }
}

stop_cluster() {
  local file
  for file in slurmd slurmctld munge; do
    [[ -s $cluster/$file.pid ]] && kill "$(cat "$cluster/$file.pid")" 2> /dev/null
  done
  until_true 10 bash -c "! kill -0 $(cat "$cluster/slurmctld.pid" 2> /dev/null || echo 999999)"
}
