/** Runs a program under mocks and prints what it registered as JSON: `node unit/package/observe.js ../../index`. */
import { run } from "../../support/mocks";

const [program = ""] = process.argv.slice(2);

void run(() => import(program)).then((registered) => {
  process.stdout.write(JSON.stringify(registered));
});
