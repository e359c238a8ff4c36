/** Imported before anything of the lab: these nodes get another kubelet, so they are never those of `make up`. */
process.env["PAUSE_SANDBOX_NAME"] ??= "pause-node";
process.env["PAUSE_SANDBOX_SUBNET"] ??= "10.203.8";
process.env["PAUSE_SANDBOX_LAB"] ??= "/var/lib/pause-sandbox-node";
