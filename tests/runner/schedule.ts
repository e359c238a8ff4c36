/** Runs jobs in lanes, side by side. */

export interface Job {
  /** Of the jobs with the same word here, one runs at a time, in their order. */
  readonly alone?: string;
  run(): Promise<void>;
}

/** Starts each job as soon as a lane is free for it, the first ones first. Fails with the first job that does. */
export async function schedule(jobs: readonly Job[], lanes: number): Promise<void> {
  const waiting = [...jobs];
  const taken = new Set<string>();
  let wake: (() => void)[] = [];
  const ended = (): void => {
    for (const call of wake) call();
    wake = [];
  };

  const lane = async (): Promise<void> => {
    while (waiting.length > 0) {
      const at = waiting.findIndex(({ alone }) => alone === undefined || !taken.has(alone));
      const [job] = at < 0 ? [] : waiting.splice(at, 1);
      if (!job) {
        await new Promise<void>((resolve) => wake.push(resolve));
        continue;
      }
      if (job.alone !== undefined) taken.add(job.alone);
      try {
        await job.run();
      } finally {
        if (job.alone !== undefined) taken.delete(job.alone);
        ended();
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
