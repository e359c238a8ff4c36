/**
 * Tests that run side by side, though mocha shows them one after the other. A lane is a machine: what stands in one lane runs in its
 * order. Nodes wait for their daemons most of the time, so that two or three keep a processor busy.
 */
type Body = () => Promise<unknown>;

export interface Around {
  /** Runs once, ahead of the first test. Where it fails, each test does. */
  readonly before?: Body;
  readonly afterEach?: Body;
}

const lanes = new Map<string, Body[]>();
let began = false;

/** Somebody who asks for one test wants no other one to run beside it. */
const picked = process.argv.some((word) => /^(-g|-f|--grep|--fgrep)\b/.test(word));

/**
 * `it` for tests of one lane. All lanes of the process start with the first test of any lane, so nothing that a `before` or `beforeEach`
 * of mocha sets is there for sure: {@link Around} is in their place.
 */
export function laneOf(name: string, { before = nothing, afterEach = nothing }: Around = {}) {
  const ready = once(before);
  return (title: string, body: Body): void => {
    const whole: Body = async () => {
      await ready();
      try {
        await body();
      } finally {
        await afterEach();
      }
    };
    const outcome = picked ? whole : queued(name, whole);
    it(title, async () => {
      if (!began && !picked) begin();
      await outcome();
    });
  };
}

const nothing: Body = () => Promise.resolve();

function once(body: Body): Body {
  let outcome: Promise<unknown> | undefined;
  return () => (outcome ??= body());
}

/** Puts a body at the end of a lane. @returns waits for its outcome */
function queued(name: string, body: Body): Body {
  const lane = lanes.get(name) ?? [];
  lanes.set(name, lane);
  const outcome = new Promise((resolve, reject) => {
    lane.push(() => body().then(resolve, reject));
  });
  // The test that waits for it may begin later, and whoever fails must not end the process until then.
  outcome.catch(() => undefined);
  return () => outcome;
}

function begin(): void {
  began = true;
  for (const lane of lanes.values()) void run(lane);
}

async function run(lane: readonly Body[]): Promise<void> {
  for (const body of lane) await body();
}
