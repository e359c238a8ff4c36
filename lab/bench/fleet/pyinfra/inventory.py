"""The hosts, from the file that the variable WANTED names."""

import json
import os

with open(os.environ["WANTED"], encoding="utf-8") as file:
    wanted = json.load(file)

login = {
    "ssh_user": "root",
    "ssh_key": wanted["keyFile"],
    "ssh_known_hosts_file": wanted["knownHosts"],
    "ssh_strict_host_key_checking": "yes",
}
hosts = [(host, login) for host in wanted["hosts"]]
