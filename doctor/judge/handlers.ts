/** Runtime handlers whose sandboxes run no pause, or not all of them. A RuntimeClass of a Pod names its handler. */
import { PauseUse } from "../../components/node/nodeScript";

/** The use of pause by each runtime handler, by the handler's name. */
export type Handlers = Readonly<Record<string, PauseUse>>;

const CLAUSES: readonly (readonly [PauseUse, (many: boolean) => string])[] = [
  [PauseUse.SharedPid, (many) => `${many ? "run" : "runs"} pause only in Pods that share their PID namespace`],
  [PauseUse.Image, (many) => `${many ? "run" : "runs"} no pause, and ${many ? "need" : "needs"} its image`],
  [PauseUse.None, (many) => `${many ? "run" : "runs"} no pause, and ${many ? "need" : "needs"} no image of it`],
];

/** @returns one sentence; nothing where each sandbox of each handler runs pause, or where the handlers are not known */
export function handlersText(handlers: Handlers = {}): string | undefined {
  const clauses = CLAUSES.flatMap(([use, clause]) => {
    const names = Object.keys(handlers).filter((name) => handlers[name] === use);
    if (names.length === 0) return [];
    return [`${names.length > 1 ? "handlers" : "handler"} ${names.sort().join(", ")} ${clause(names.length > 1)}`];
  });
  return clauses.length === 0 ? undefined : clauses.join("; ");
}
