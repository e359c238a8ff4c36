/** Imported before anything of the lab: faults are injected into a lab of their own, never into the one of `make up`. */
process.env["PAUSE_SANDBOX_NAME"] ??= "pause-faults";
process.env["PAUSE_SANDBOX_SUBNET"] ??= "10.203.7";
process.env["PAUSE_SANDBOX_LAB"] ??= "/var/lib/pause-sandbox-faults";
