"""The same edits by pyinfra. What is wanted is in the file that the variable WANTED names."""

import io
import json
import os

from pyinfra.operations import files, server

with open(os.environ["WANTED"], encoding="utf-8") as file:
    wanted = json.load(file)

reference = wanted["reference"]
certs = f"/etc/containerd/certs.d/{wanted['registry']}"

files.directory(name="The folder of the registry", path=certs, mode="755")
files.put(name="The registry's CA", src=io.StringIO(wanted["ca"]), dest=f"{certs}/ca.crt", mode="644")
files.put(
    name="How the registry is reached", src=io.StringIO(wanted["hostsToml"]), dest=f"{certs}/hosts.toml", mode="644"
)
image = files.line(
    name="The sandbox image",
    path="/etc/containerd/config.toml",
    line=r"^  sandbox_image = .*$",
    replace=f'  sandbox_image = "{reference}"',
)
server.shell(name="The image itself", commands=[f"crictl pull {reference}"])
server.shell(name="Restart containerd", commands=["systemctl restart containerd"], _if=image.did_change)
server.shell(
    name="The image stays",
    commands=[f"crictl inspecti -o go-template --template '{{{{.status.pinned}}}}' {reference} | grep -q '^true'"],
)
