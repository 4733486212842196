"""Jobs of a pilot fork from one Python that has imported jobflow, instead of importing it for a second each.

A worker of jobflow-remote with `batch` runs job after job in one process of the queue, the pilot, but starts a Python
for every job. With these lines in the project file it starts one::

    pre_run: eval "$(python -m superionic.managers.pilot serve $$)"
    execution_cmd: python -m superionic.managers.pilot run {}

A job whose environment is not that of the pilot (modules, exported variables) still gets a Python of its own, and so
does every job where no server answers. The client is imported for every job: nothing heavy up here.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import traceback
from pathlib import Path

_SOCKET = "SUPERIONIC_PILOT"
_OF_THE_SHELL = {_SOCKET, "PWD", "OLDPWD", "SHLVL", "_"}  # what differs between a shell and its scripts
_PATIENCE_S = 1.0  # how long a server outlives its pilot
_ENDED = 128  # of a shell: a process that a signal ended has this status plus the signal's number


def main(arguments: list[str]) -> int:
    """``serve PID``: print what a shell evaluates to find the server; ``run FOLDER``: run the job in that folder."""
    if len(arguments) != 2 or arguments[0] not in {"serve", "run"}:
        sys.stderr.write("python -m superionic.managers.pilot: give `serve PID` or `run FOLDER`\n")
        return 2
    if arguments[0] == "serve":
        return serve(int(arguments[1]))
    status = ask(arguments[1])
    if status is None:
        _run(arguments[1])
        return 0
    return status


def ask(folder: str) -> int | None:
    """Have the server of this environment run the job in `folder`; its exit status, None if there is no server."""
    with socket.socket(socket.AF_UNIX) as server:
        try:
            server.connect(os.environ[_SOCKET])
            request = json.dumps([folder, str(Path.cwd()), _environment()]).encode()
            socket.send_fds(server, [len(request).to_bytes(4)], [0, 1, 2])
            server.sendall(request)
            answer = server.recv(1)
        except (KeyError, OSError):
            return None
        if not answer:  # another environment
            return None
        return (server.recv(1) or b"\1")[0]  # a server that is killed takes its jobs with it


def serve(pilot: int) -> int:
    """Start a server in the background that ends with the process `pilot`."""
    folder = Path(tempfile.mkdtemp(prefix="superionic-pilot-"))  # nobody else may enter it
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "socket"))
    listener.listen(64)
    if os.fork():
        sys.stdout.write(f"export {_SOCKET}={folder}/socket\n")
        return 0
    os.setsid()
    with Path(os.devnull).open("r+b") as null:
        for stream in range(3):
            os.dup2(null.fileno(), stream)
    import jobflow_remote.jobs.run  # noqa: F401 - for the jobs
    import pymatgen.core  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # sessions leave no zombies
    environment = _environment()
    while _lives(pilot):
        if select.select([listener], [], [], _PATIENCE_S)[0]:
            connection, _ = listener.accept()
            if not os.fork():
                try:
                    _session(connection, environment)
                finally:
                    os._exit(1)
            connection.close()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _session(connection: socket.socket, environment: dict[str, str]) -> None:
    """Run one job in a process of its own, which ends when its client does."""
    length, streams, _, _ = socket.recv_fds(connection, 4, 3)
    request = b""
    while len(request) < int.from_bytes(length):
        request += connection.recv(1 << 16)
    folder, where, wanted = json.loads(request)
    if wanted != environment:
        os._exit(0)
    connection.sendall(b"\1")
    ended, note = os.pipe()  # pidfd_open is too new for many a cluster
    os.set_blocking(note, False)
    signal.set_wakeup_fd(note)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    job = os.fork()
    if job == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            _become(where, streams, connection)
            _run(folder)
            status = 0
        except BaseException:  # noqa: BLE001 - as Python itself does at the end of a script
            traceback.print_exc()
            status = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    for stream in streams:
        os.close(stream)
    if ended not in select.select([ended, connection.fileno()], [], [])[0]:
        os.killpg(job, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(job, 0)[1])
    connection.sendall(bytes([code if code >= 0 else _ENDED - code]))
    os._exit(0)


def _become(where: str, streams: list[int], connection: socket.socket) -> None:
    """A process like the one the client would have been."""
    os.setpgid(0, 0)
    connection.close()
    os.chdir(where)
    os.environ["PWD"] = where
    for stream, inherited in enumerate(streams):
        os.dup2(inherited, stream)
        os.close(inherited)
    import numpy as np

    np.random.seed()  # noqa: NPY002 - a fork has the state of its parent; `random` sees to it itself


def _run(folder: str) -> None:
    from jobflow_remote.jobs.run import run_remote_job

    run_remote_job(folder)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _OF_THE_SHELL}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
