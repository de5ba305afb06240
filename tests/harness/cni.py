# SPDX-License-Identifier: GPL-2.0-or-later
"""A container runtime, as far as it calls a CNI plugin (SPEC.md, section 3; what libcni does for podman and cnitool)."""

import json
import os
import subprocess

from .daemon import BUILD
from .namespaces import DEADLINE, Failed, Namespace

PLUGIN = os.path.join(BUILD, "netd", "netd-cni")


class CniError(AssertionError):
    def __init__(self, result):
        super().__init__(f"CNI error {result['code']}: {result['msg']}: {result.get('details')}")
        self.code = result["code"]
        self.details = result.get("details", "")
        self.result = result


class Container(Namespace):
    """A network namespace with a path of its own, which a bind mount keeps, as in /run/netns."""

    def __init__(self, directory, name):
        super().__init__(name)
        self.path = os.path.join(directory, f"netns-{name}")
        with open(self.path, "w", encoding="utf-8"):
            pass
        subprocess.run(["mount", "--bind", f"/proc/{self.pid}/ns/net", self.path], check=True)
        self.id = f"{name}-0123456789abcdef"
        self.mounted = True

    def ping(self, address):
        return self.ok("ping", "-c", "1", "-W", "10", address)

    def forget(self):
        """The namespace is gone before the runtime says DEL."""
        if self.mounted:
            subprocess.run(["umount", self.path], check=True)
            os.unlink(self.path)
            self.mounted = False
        super().close()

    def close(self):
        self.forget()


class Runtime:
    """It keeps the results of ADD, and gives them to CHECK and DEL, as libcni's cache does."""

    def __init__(self, daemon, version="1.1.0", name="vms", runtime_config=None, **config):
        self.daemon = daemon
        self.config = {"cniVersion": version, "name": name, "type": "netd-cni", "socket": daemon.socket, **config}
        if runtime_config:
            self.config["runtimeConfig"] = runtime_config
        self.results = {}

    def environment(self, command, container=None, ifname=None, netns=True, args=None):
        env = {"PATH": os.environ["PATH"], "CNI_COMMAND": command, "CNI_PATH": os.path.dirname(PLUGIN)}
        if container:
            env |= {"CNI_CONTAINERID": container.id, "CNI_IFNAME": ifname}
            if netns:
                env["CNI_NETNS"] = container.path
        if args:
            env["CNI_ARGS"] = args
        return env

    def execute(self, environment, text, **more):
        """(exit code, stdout, stderr)"""
        done = subprocess.run(self.daemon.host.ns.enter(PLUGIN), input=text, env=environment, capture_output=True, text=True,
                              timeout=DEADLINE, **more)
        return done.returncode, done.stdout, done.stderr

    def run(self, environment, **more):
        """The result, None when there is none; CniError."""
        code, out, _ = self.execute(environment, json.dumps({**self.config, **more}))
        result = json.loads(out) if out else None
        if code:
            if not result or not {"cniVersion", "code", "msg"} <= set(result):
                raise Failed(f"exit {code}, and no error result: {out}")
            raise CniError(result)
        return result

    def add(self, container, ifname="eth0", args=None, conf_args=None, **more):
        if conf_args:
            more["args"] = conf_args
        result = self.run(self.environment("ADD", container, ifname, args=args), **more)
        self.results[container.id, ifname] = result
        return result

    def check(self, container, ifname="eth0"):
        return self.run(self.environment("CHECK", container, ifname), prevResult=self.results[container.id, ifname])

    def delete(self, container, ifname="eth0", netns=True, args=None):
        previous = self.results.pop((container.id, ifname), None)
        more = {"prevResult": previous} if previous else {}
        result = self.run(self.environment("DEL", container, ifname, netns, args), **more)
        if result is not None:
            raise Failed(f"DEL says {result}")

    def gc(self, valid):
        attachments = [{"containerID": container.id, "ifname": ifname} for container, ifname in valid]
        return self.run(self.environment("GC"), **{"cni.dev/valid-attachments": attachments})

    def status(self, **more):
        return self.run(self.environment("STATUS"), **more)
