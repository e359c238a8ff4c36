/** One operation of the engine on one of the programs: run.ts OPERATION PROGRAM WANTED-AS-JSON, in the folder of the stack. */
import { withEngine } from "../support/inline";
import { type ProgramName, PROGRAMS, type Wanted } from "./programs";

// Only tsx brings source maps: every stack that the SDK notes would be looked up in them.
process.setSourceMapsEnabled(false);

const OPERATIONS = {
  preview: ["preview"],
  up: ["up", "--yes", "--skip-preview"],
};

const [operation, program, wanted] = process.argv.slice(2) as [keyof typeof OPERATIONS, ProgramName, string];
const args = [...OPERATIONS[operation], "--suppress-progress", "--suppress-outputs"];

void withEngine(args, () => Promise.resolve(PROGRAMS[program](JSON.parse(wanted) as Wanted))).then((status) =>
  process.exit(status),
);
