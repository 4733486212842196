"""A user's account on a small cluster: its own home, a MongoDB, jobflow-remote, FireWorks, and their commands."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pymongo
import yaml

from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores

BIN = Path(sys.executable).parent
TESTS = Path(__file__).parent
WAIT_S = 200
README_URI = "mongodb://127.0.0.1:27017/superionic"


def readme_blocks(language):
    """Code blocks of the README's section on clusters."""
    section = (TESTS.parent / "README.md").read_text().partition("## On a cluster")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


class Cluster:
    """Everything runs as a user would run it: commands in processes of their own."""

    def __init__(self, folder, server, database):
        self.folder, self.server, self.database = folder, server, database
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self.uri = server.uri(database)
        self.client = pymongo.MongoClient(self.uri)
        self.db = self.client[database]
        path = os.pathsep.join([str(BIN), os.environ["PATH"]])
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("JOBFLOW", "SUPERIONIC"))},
            "HOME": str(self.home),
            "SUPERIONIC_CACHE": os.environ.get("SUPERIONIC_CACHE", str(Path.home() / ".cache" / "superionic")),
            "PATH": path,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")])),
            "JFREMOTE_PROJECTS_FOLDER": str(self.home / ".jfremote"),
            "JFREMOTE_PROJECT": "superionic",
            "JOBFLOW_CONFIG_FILE": str(self.home / "superionic" / "jobflow.yaml"),
        }
        self.processes = []
        self.history = []

    def run(self, *command, check=True, cwd=None, stdin=None, **env):
        self._remember(command)
        done = subprocess.run(
            [BIN / command[0], *map(str, command[1:])], cwd=cwd or self.folder, env={**self.env, **env},
            input=stdin, capture_output=True, text=True, check=False, timeout=WAIT_S,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def start(self, *command, cwd=None, **env):
        """A process of its own session; it is killed when the test ends."""
        self._remember(command)
        log = (self.folder / f"{len(self.processes)}.log").open("w")
        process = subprocess.Popen(
            [BIN / command[0], *map(str, command[1:])], cwd=cwd or self.folder, env={**self.env, **env}, stdout=log,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def _remember(self, command):
        """Keep the command as the README would write it."""
        text = " ".join(map(str, command)).replace(str(self.home), "~")
        self.history.append(text.replace(self.uri, README_URI).replace(f"{self.folder}/", ""))

    def check_readme(self, block):
        """Every command of a block of the README's session has been run."""
        for line in readme_blocks("bash")[block].splitlines():
            command = re.sub(r"^cd \S+ && ", "", line.partition("#")[0]).strip()
            if command.startswith("export "):
                name, _, value = command.removeprefix("export ").partition("=")
                assert self.env[name].replace(str(self.home), "~") == value
            else:
                assert any(command in done for done in self.history), command

    def close(self):
        self.kill_all()
        self.client.close()

    def kill_all(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()

    def set_up_remote(self):
        """`superionic init` for jobflow-remote, with a hurried runner."""
        self.run("superionic", "init", "--mongo", self.uri, "--manager", "jobflow-remote")
        self.hurry()
        self.run("jf", "-p", "superionic", "admin", "reset", "-y")

    def hurry(self):
        self.edit_project(lambda project: project["runner"].update(dict.fromkeys(project["runner"], 1)))
        self.edit_project(lambda project: project["runner"].update(delta_retry=[2, 2, 2]))

    def edit_project(self, change):
        self._edit(self.home / ".jfremote" / "superionic.yaml", change)

    def edit_jobflow(self, change):
        self._edit(self.home / "superionic" / "jobflow.yaml", change)

    def _edit(self, file, change):
        content = yaml.safe_load(file.read_text())
        change(content)
        file.write_text(yaml.safe_dump(content))

    def runner(self):
        return self.start("jf", "runner", "run")

    def kill_runner(self, runner):
        """kill -9 of a runner, then what its manual says to do before the next one starts."""
        runner.send_signal(signal.SIGKILL)
        runner.wait()

    def unlock(self):
        self.run("jf", "admin", "unlock", "-y", check=False)
        self.run("jf", "admin", "unlock-flow", "-y", check=False)

    def states(self):
        return Counter(job["state"] for job in self.db.queue.find({}, ["state"]))

    def wait(self, ready, seconds=WAIT_S):
        """Wait until `ready()` is true."""
        deadline = time.monotonic() + seconds
        while not (found := ready()):
            assert time.monotonic() < deadline, f"{self.states()}\n{self.trouble()}\n{self.logs()}"
            time.sleep(0.3)
        return found

    def wait_all(self, state="COMPLETED", seconds=WAIT_S):
        self.wait(lambda: self.ended(state), seconds)

    def ended(self, state="COMPLETED"):
        states = self.states()
        bad = {"FAILED", "REMOTE_ERROR"} - {state}
        assert not bad & set(states), self.trouble()
        return set(states) == {state}

    def trouble(self):
        found = self.db.queue.find({"state": {"$in": ["FAILED", "REMOTE_ERROR"]}})
        return "\n".join(f"{job['job']['name']}: {job.get('error')} {job['remote'].get('error')}" for job in found)

    def logs(self):
        return "\n".join(file.read_text()[-3000:] for file in sorted(self.folder.glob("*.log")))

    def stores(self):
        """The stores that `superionic init` configured, in this process."""
        settings = SuperionicSettings(jobflow_config=self.home / "superionic" / "jobflow.yaml")
        return open_stores(settings).connected()

    def documents(self):
        return json.loads(self.run("superionic", "show", "--json").stdout)
