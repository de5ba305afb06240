#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A container of podman's, by libcni and netd-cni, beside a guest."""

import json
import os
import shutil
import subprocess
import unittest

from support import NetnsTest

from harness.cni import PLUGIN
from harness.namespaces import DEADLINE, Failed, Host

CONFLIST = {
    "cniVersion": "1.0.0",
    "name": "vms",
    "plugins": [{"type": "netd-cni", "network": "default",
                 "capabilities": {"ips": True, "mac": True, "portMappings": True}}],
}
CONTAINERS = """
[network]
network_backend = "cni"
cni_plugin_dirs = ["{plugins}"]
network_config_dir = "{networks}"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
tmp_dir = "{directory}/tmp"
[containers]
cgroups = "disabled"
"""
STORAGE = """
[storage]
driver = "vfs"
graphroot = "{directory}/graph"
runroot = "{directory}/run"
"""


class Podman(NetnsTest):
    def setUp(self):
        super().setUp()
        for program in ("podman", "crun", "busybox"):
            if not shutil.which(program):
                self.leave_out(f"there is no {program}; containers by libcni's protocol are in test_cni.py")
        with open("/proc/self/uid_map", encoding="utf-8") as uids:
            if uids.read().split() != ["0", "0", "4294967295"]:
                self.leave_out("podman without root has a network namespace of its own")
        self.netd = self.daemon()
        self.directory = os.path.join(self.netd.directory, "podman")
        networks, plugins = (os.path.join(self.directory, name) for name in ("net.d", "plugins"))
        for path in (networks, plugins, os.path.join(self.directory, "tmp")):
            os.makedirs(path)
        os.symlink(PLUGIN, os.path.join(plugins, "netd-cni"))
        conflist = {**CONFLIST, "plugins": [{**CONFLIST["plugins"][0], "socket": self.netd.socket}]}
        self.write("net.d/vms.conflist", json.dumps(conflist))
        self.write("containers.conf", CONTAINERS.format(directory=self.directory, networks=networks, plugins=plugins))
        self.write("storage.conf", STORAGE.format(directory=self.directory))
        self.rootfs = os.path.join(self.directory, "rootfs")
        for path in ("bin", "etc", "proc", "sys", "dev", "tmp"):
            os.makedirs(os.path.join(self.rootfs, path))
        busybox = os.path.join(self.rootfs, "bin/busybox")
        shutil.copy(shutil.which("busybox"), busybox)
        for applet in ("sh", "ip", "ping", "cat", "sleep"):
            os.symlink("busybox", os.path.join(self.rootfs, "bin", applet))
        # What it and libcni keep there is gone with this test's namespaces.
        # And crun wants to see one kind of control groups only, although it is to use none.
        for kind, path in (("tmpfs", "/run"), ("tmpfs", "/var/lib"), ("cgroup2", "/sys/fs/cgroup")):
            subprocess.run(["mount", "-t", kind, "none", path], check=True)
            self.addCleanup(subprocess.run, ["umount", "-l", path], check=True)

    def write(self, name, text):
        with open(os.path.join(self.directory, name), "w", encoding="utf-8") as out:
            out.write(text)

    def run_box(self, *options):
        """A container that waits, with limits that need no right to raise any."""
        self.addCleanup(self.podman, "rm", "-f", "-t", "0", "box", check=False)
        self.podman("run", "-d", "--name", "box", "--network", "vms", "--ulimit", "nofile=256:256", "--ulimit", "nproc=64:64",
                    *options, "--rootfs", self.rootfs, "sleep", "1000")

    def podman(self, *argv, check=True):
        done = subprocess.run(self.host.ns.enter("podman", *argv), capture_output=True, text=True, timeout=DEADLINE,
                              env={**os.environ, "CONTAINERS_CONF": os.path.join(self.directory, "containers.conf"),
                                   "CONTAINERS_STORAGE_CONF": os.path.join(self.directory, "storage.conf")})
        if check and done.returncode:
            raise Failed(f"podman {' '.join(argv)}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def test_container_and_guest(self):
        vmm = self.vmm(self.netd, "web1")
        lease = vmm.udhcpc()
        self.run_box()
        port = next(p for p in self.netd.guests().values() if p["guest"] != "web1")
        self.assertRegex(port["guest"], "^box-cni-", "podman says the container's name as the pod's")
        for address in (lease["ip"], port["gateway"], Host.INTERNET_ADDRESS):
            self.podman("exec", "box", "ping", "-c", "1", "-W", "10", address)
        self.assertTrue(vmm.ping(port["addresses"][0].split("/")[0]))
        inspected = json.loads(self.podman("inspect", "box"))[0]["NetworkSettings"]["Networks"]["vms"]
        self.assertEqual((inspected["IPAddress"], inspected["MacAddress"], inspected["Gateway"]),
                         (port["addresses"][0].split("/")[0], port["mac"], port["gateway"]))
        self.podman("rm", "-f", "-t", "0", "box")
        self.assertEqual(set(self.netd.guests()), {"web1/0"})

    def test_wishes(self):
        self.run_box("--ip", "10.77.0.33", "--mac-address", "02:00:00:00:00:33", "-p", "8080:80")
        (port,) = self.netd.guests().values()
        self.assertEqual((port["mac"], port["addresses"]), ("02:00:00:00:00:33", ["10.77.0.33/24"]))
        self.assertEqual([(p["port"], p["guestPort"], p["target"]) for p in port["published"]], [(8080, 80, "10.77.0.33")])


if __name__ == "__main__":
    unittest.main()
