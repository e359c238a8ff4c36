#!/usr/bin/env node
// The command as the package has it, compiled. A checkout has the sources alone: ts-node compiles them in memory, as it does with Pulumi's program.
const { existsSync } = require("node:fs");
const { join } = require("node:path");

const source = join(__dirname, "main.ts");
if (existsSync(source)) {
  require("ts-node").register({ transpileOnly: true, project: join(__dirname, "../tsconfig.json") });
  require(source).main();
} else {
  require("../dist/cli/main.js").main();
}
