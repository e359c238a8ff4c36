"""Runs a program against an engine that prints, as JSON, what a component is to be registered with: as it goes over the wire."""

import json
import runpy
import sys

import pulumi
from google.protobuf import json_format
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00"


class Machines(mocks.Mocks):
    """The stack that made the machines."""

    def new_resource(self, args):
        outputs = {}
        for number in (1, 2):
            outputs[f"worker{number}Address"] = f"10.20.0.1{number}"
            outputs[f"worker{number}HostKey"] = HOST_KEY
        return args.name, {"name": args.name, "outputs": outputs}

    def call(self, args):
        return {}


class Wire(mocks.MockMonitor):
    def SupportsFeature(self, request):
        return resource_pb2.SupportsFeatureResponse(hasSupport=True)

    def RegisterResource(self, request):
        if request.remote:
            inputs = json_format.MessageToDict(request.object)
            print(json.dumps({"type": request.type, "name": request.name, "inputs": inputs}))
        answer = resource_pb2.RegisterResourceResponse(urn=self.make_urn(request.parent, request.type, request.name))
        # `nodes` is an argument too: without an answer the SDK takes it for the output.
        answer.object.update({"reference": "", "nodes": {}, "pods": []})
        return answer


@pulumi.runtime.test
def run():
    runpy.run_path(sys.argv[1], run_name="__main__")


mocks.set_mocks(Machines(), project="pause", monitor=Wire(Machines()))
settings = {"pause:machines": "acme/machines/production", "pause:sshPrivateKey": "a key"}
pulumi.runtime.set_all_config(settings, ["pause:sshPrivateKey"])
run()
