"""A real Slurm of one node, for tests, with keys, ports and files of its own.

Only what was started here is stopped. The controller keeps no accounts, as on many small
clusters, and kills jobs that outgrow the memory they asked for. Slurm's programs look for the
configuration at one place in the system, so this needs root and a machine without a Slurm of
its own.
"""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "sinfo")
PACKAGES = "slurmctld slurmd slurm-client munge"
SYSTEM = Path("/etc/slurm/slurm.conf")

CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
MpiDefault=none
ReturnToService=2
MinJobAge={min_job_age}
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=64000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str | None:
    """Say why no Slurm can be started here, if so."""
    missing = [program for program in PROGRAMS if shutil.which(program, path=_path()) is None]
    if missing:
        return f"{', '.join(missing)} not found; on Debian: apt-get install {PACKAGES}"
    if os.geteuid() != 0:
        return "starting a Slurm takes root"
    if SYSTEM.exists():
        return f"this machine has a Slurm of its own ({SYSTEM})"
    return None


@contextmanager
def one_node(folder: Path, *, cpus: int = 2, min_job_age: int = 3600) -> Iterator[None]:
    """Run a Slurm of one node whose files lie in `folder` while the block runs."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    key = folder / "munge.key"
    key.touch(0o600)
    key.write_bytes(secrets.token_bytes(1024))
    host = socket.gethostname().partition(".")[0]
    controller_port, node_port = _free_ports(2)
    (folder / "slurm.conf").write_text(
        CONFIGURATION.format(
            host=host,
            folder=folder,
            controller_port=controller_port,
            node_port=node_port,
            cpus=cpus,
            min_job_age=min_job_age,
        )
    )
    SYSTEM.parent.mkdir(exist_ok=True)
    SYSTEM.symlink_to(folder / "slurm.conf")
    try:
        _start(
            "munged",
            "--force",
            f"--key-file={key}",
            f"--socket={folder}/munge.socket",
            f"--pid-file={folder}/munged.pid",
            f"--log-file={folder}/munged.log",
            f"--seed-file={folder}/munge.seed",
        )
        _start("slurmctld")
        _start("slurmd", "-N", host)
        _wait_until_idle(folder)
        yield
    finally:
        subprocess.run(["scancel", "--me"], check=False, timeout=60)
        for name in ("slurmd", "slurmctld", "munged"):
            _stop(folder / f"{name}.pid", name)
        SYSTEM.unlink()


def _path() -> str:
    """Return where daemons are looked for: users often lack the folders of the administrator."""
    return os.environ["PATH"] + ":/usr/sbin:/sbin"


def _start(program: str, *arguments: str) -> None:
    """Start a daemon; it goes to the background by itself."""
    found = shutil.which(program, path=_path())
    assert found is not None
    subprocess.run([found, *arguments], check=True, timeout=60)


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _wait_until_idle(folder: Path) -> None:
    command = ["sinfo", "--noheader", "--format=%T"]
    for _ in range(60):
        said = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        if said.stdout.strip() == "idle":
            return
        time.sleep(0.5)
    logs = "\n".join(path.read_text(errors="replace") for path in folder.glob("*.log"))
    raise RuntimeError(f"Slurm did not come up.\n{logs}")


def _stop(pid_file: Path, program: str) -> None:
    """End the daemon of a PID file, if that number is still the daemon's."""
    try:
        pid = int(pid_file.read_text())
        if Path(f"/proc/{pid}/comm").read_text().strip() != program:
            return
        os.kill(pid, 15)
        for _ in range(100):
            if not Path(f"/proc/{pid}").exists():
                return
            time.sleep(0.1)
    except (FileNotFoundError, ProcessLookupError):
        return
