/** The machines that the cases of this suite share: each case has the next one, so that two run at a time. */
import { laneOf } from "../../support/lanes";
import { HOSTS } from "../../support/nodes/machines";
import { nodes, type Nodes } from "../nodes/lab";
import { CaseMachine } from "./caseMachine";

const MACHINES: [name: string, host: number][] = [
  ["cases", HOSTS.cases],
  ["cases-too", HOSTS.casesToo],
];

interface Place {
  shared: Nodes;
  machine: CaseMachine;
}

const started: Promise<CaseMachine>[] = [];

const lanes = MACHINES.map(([name, host]) => {
  let place: Promise<Place> | undefined;
  const start = async (): Promise<Place> => {
    const shared = await nodes();
    const machine = CaseMachine.start(shared.lab, name, host);
    started.push(machine);
    return { shared, machine: await machine };
  };
  const here = () => (place ??= start());
  const it = laneOf(name, { before: here });
  return (title: string, body: (place: Place) => Promise<void>) => {
    it(title, async () => body(await here()));
  };
});

after(async function () {
  this.timeout("2m");
  for (const machine of started) await (await machine).remove();
});

let cases = 0;

/** `it`, on the next machine. */
export function itOnMachine(title: string, body: (place: Place) => Promise<void>): void {
  lanes[cases++ % lanes.length]?.(title, body);
}
