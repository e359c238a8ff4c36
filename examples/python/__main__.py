"""Nodes whose addresses another stack knows: the one that made the machines."""

import pulumi
import pulumi_pause_sandbox as pause_sandbox

config = pulumi.Config()
machines = pulumi.StackReference(config.require("machines"))
private_key = config.require_secret("sshPrivateKey")

sandbox = pause_sandbox.PauseSandbox(
    "pause",
    image={"reference": "registry.example.com:5000/platform/pause:1.0.0"},
    nodes=[
        {
            "name": "worker-1",
            "canary": True,
            "connection": {
                # An Output: it is known when the other stack says it.
                "host": machines.require_output("worker1Address"),
                "host_key": machines.require_output("worker1HostKey"),
                "private_key": private_key,
            },
        },
        {
            "name": "worker-2",
            "connection": {
                "host": machines.require_output("worker2Address"),
                "host_key": machines.require_output("worker2HostKey"),
                "private_key": private_key,
            },
        },
    ],
    max_unavailable="2",
    trust={"mirrors": ["https://mirror.example.com:5000"]},
)

pulumi.export("digest", sandbox.digest)
pulumi.export("nodes", sandbox.nodes)
