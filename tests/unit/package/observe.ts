/** Runs a program under mocks and prints what it registered as JSON: `node package/observe.js ../index`. */
import { run } from "../unit/mocks";

const [program = ""] = process.argv.slice(2);

void run(() => import(program)).then((registered) => {
  process.stdout.write(JSON.stringify(registered));
});
