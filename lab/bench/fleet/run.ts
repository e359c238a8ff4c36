/** `pulumi up` of one of the programs: run.ts PROGRAM FILE, in the folder of the stack; FILE says what is wanted. */
import * as fs from "node:fs";

import { withEngine } from "../support/inline";
import { type ProgramName, PROGRAMS } from "./programs";
import type { Wanted } from "./wanted";

// Only tsx brings source maps: every stack that the SDK notes would be looked up in them.
process.setSourceMapsEnabled(false);

const [program, file = ""] = process.argv.slice(2) as [ProgramName, string];
const wanted = JSON.parse(fs.readFileSync(file, "utf8")) as Wanted;
// As many hosts at a time as the other contenders take.
const args = ["up", "--yes", "--skip-preview", "--parallel", "50", "--suppress-progress", "--suppress-outputs"];

void withEngine(args, () => Promise.resolve(PROGRAMS[program](wanted))).then((status) => process.exit(status));
