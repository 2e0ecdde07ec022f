"""A Slurm cluster on this host, for the tests: one controller and two nodes of one core each, all on loopback.

    python tests/helpers/slurm_cluster.py up /tmp/cluster
    sinfo, sbatch, snakemake --workflow-profile profiles/slurm ...
    python tests/helpers/slurm_cluster.py down /tmp/cluster

Needs root and Debian's packages slurm-wlm and munge. Everything lies in the folder given, but for a link to its
configuration where Slurm's commands look for one. There is no accounting: the states of jobs come from squeue, and
`jobs.txt` in the folder has a line for every job that ended.
"""

import argparse
import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol")
NODES = ("node1", "node2")
# Snakemake's jobs hide SLURM_CONF from the steps that they start, so only the usual place will do.
USUAL = Path("/etc/slurm/slurm.conf")
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/jobs.txt
MpiDefault=none
SwitchType=switch/none
TaskPlugin=task/none
# No control groups: processes are followed by their parents, and memory is polled every second.
ProctrackType=proctrack/linuxproc
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0
GresTypes=gpu
# A node that stopped answering is given up within seconds, and serves again when it is back.
SlurmdTimeout=10
SlurmctldTimeout=10
ReturnToService=2
KillWait=2
# Time limits are to the minute: a job is ended as soon as its own has passed.
OverTimeLimit=0
NodeName=node1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[0]} CPUs=1 RealMemory={memory} Gres=gpu:1
NodeName=node2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 RealMemory={memory}
PartitionName=main Nodes=node1,node2 Default=YES MaxTime=INFINITE State=UP
"""
# Counted and handed out like a real one; nothing is there.
GPUS = "NodeName=node1 Name=gpu Count=1 File=/dev/null\n"


def missing() -> str:
    """Why no cluster can be had here; empty where one can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "needs root"
    if not Path("/etc/debian_version").exists():
        return "needs Debian"
    if USUAL.exists() and not _left_over(USUAL.resolve().parent):
        return f"{USUAL.resolve()} is in use: end that cluster first (slurm_cluster.py down {USUAL.resolve().parent})"
    absent = [name for name in PROGRAMS if _program(name) is None]
    return f"needs Debian's slurm-wlm and munge: {', '.join(absent)} not found" if absent else ""


def _left_over(folder: Path) -> bool:
    """Whether a cluster of this file's was there whose daemons have all ended, as those of a run that was killed."""
    daemons = list(folder.glob("*.daemon"))
    return bool(daemons) and not any(_alive(int(path.read_text())) for path in daemons)


class Cluster:
    """One controller and two nodes, everything of theirs in one folder."""

    def __init__(self, folder: Path):
        self.folder = folder.resolve()
        self.configuration = self.folder / "slurm.conf"
        self.daemons: dict[str, subprocess.Popen] = {}  # those started by this object

    def up(self, memory: int = 4000) -> None:
        """Start all daemons and wait until both nodes, of so many MB each, are idle."""
        (self.folder / "state").mkdir(parents=True)
        controller_port, *ports = _free_ports(1 + len(NODES))
        text = CONFIGURATION.format(
            folder=self.folder, host=socket.gethostname(), controller_port=controller_port, ports=ports, memory=memory
        )
        self.configuration.write_text(text)
        USUAL.unlink(missing_ok=True)  # left by a run that was killed
        USUAL.symlink_to(self.configuration)
        (self.folder / "gres.conf").write_text(GPUS)
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        files = [f"--{name}={self.folder}/munge.{name}" for name in ("socket", "pid-file", "log-file", "seed-file")]
        self._start("munged", "--foreground", "--force", f"--key-file={key}", *files)
        _wait((self.folder / "munge.socket").exists, "munged")
        self.start_controller()
        for node in NODES:
            self.start_node(node)
        _wait(lambda: self.states() == dict.fromkeys(NODES, "idle"), "two idle nodes")

    def down(self) -> None:
        """End every job and every daemon; logs stay."""
        for node in NODES:
            self.kill_node(node)
        self._end("slurmctld")
        self._end("munged")
        USUAL.unlink(missing_ok=True)

    def start_controller(self) -> None:
        self._start("slurmctld", "-D", "-f", str(self.configuration))
        _wait(lambda: self.run("scontrol", "ping").returncode == 0, "the controller")

    def stop_controller(self) -> None:
        """As a service manager does: it saves what it knows and ends."""
        self._end("slurmctld", signal.SIGTERM)

    def start_node(self, node: str) -> None:
        self._start("slurmd", "-D", "-f", str(self.configuration), "-N", node, name=node)

    def kill_node(self, node: str) -> None:
        """What a power cut does: the daemon and all that its jobs run end at once."""
        self._end(node)
        jobs = self._jobs_on(node)
        # First what would tell the controller of the end of the others.
        steps = [process for process in {*jobs, *map(_parent, jobs)} if _name(process).startswith("slurmstepd")]
        for process in [*steps, *jobs]:
            _kill(process)

    def freeze(self, node: str) -> None:
        """Its jobs stop where they are, as when they hang."""
        for process in self._jobs_on(node):
            _kill(process, signal.SIGSTOP)

    def states(self) -> dict[str, str]:
        """Each node's state in sinfo's words."""
        lines = self.run("sinfo", "--noheader", "--Node", "--format=%N %T").stdout.splitlines()
        return dict(line.split() for line in lines)

    def ended(self) -> list[dict[str, str]]:
        """What the controller wrote down of every job that ended, in that order."""
        path = self.folder / "jobs.txt"
        lines = path.read_text().splitlines() if path.exists() else []
        return [dict(part.split("=", 1) for part in line.split() if "=" in part) for line in lines]

    def run(self, *command: str) -> subprocess.CompletedProcess:
        """A command of Slurm's, put to this cluster."""
        return subprocess.run(command, capture_output=True, text=True)

    def _start(self, program: str, *arguments: str, name: str = "") -> None:
        name = name or program
        with (self.folder / f"{name}.out").open("ab") as out:
            self.daemons[name] = subprocess.Popen(
                [_program(program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        (self.folder / f"{name}.daemon").write_text(str(self.daemons[name].pid))

    def _end(self, name: str, by: signal.Signals = signal.SIGKILL) -> None:
        path = self.folder / f"{name}.daemon"
        if not path.exists():
            return
        process = int(path.read_text())
        _kill(process, by)
        if name in self.daemons:
            self.daemons.pop(name).wait()
        _wait(lambda: not _alive(process), f"the end of {name}")
        path.unlink()

    def _jobs_on(self, node: str) -> list[int]:
        """The processes of the jobs on a node, known by their environment."""
        marks = {f"SLURMD_NODENAME={node}", "SLURM_CLUSTER_NAME=test"}
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                if marks <= set((process / "environ").read_text(errors="replace").split("\0")):
                    found.append(int(process.name))
        return found


def _parent(process: int) -> int:
    """The parent's id, 0 for a process that has ended; stat's second field, a name in brackets, may hold anything."""
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _name(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text()
    except OSError:
        return ""


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listening.getsockname()[1] for listening in sockets]
    for listening in sockets:
        listening.close()
    return ports


def _kill(process: int, by: signal.Signals = signal.SIGKILL) -> None:
    with contextlib.suppress(ProcessLookupError):  # it ended by itself
        os.kill(process, by)


def _alive(process: int) -> bool:
    """Whether it runs: one that has ended may still wait for its parent to notice."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def _wait(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise TimeoutError(f"{what}: not there after {seconds:g} s")
        time.sleep(0.2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Start or end a small Slurm cluster on this host.")
    parser.add_argument("action", choices=("up", "down"))
    parser.add_argument("folder", type=Path, help="for its configuration, states and logs")
    parsed = parser.parse_args()
    cluster = Cluster(parsed.folder)
    if parsed.action == "up":
        if missing():
            parser.exit(1, f"slurm_cluster.py: {missing()}\n")
        cluster.up()
    else:
        cluster.down()
