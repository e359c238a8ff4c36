/** How the lab tells what it does: one line when a step starts, one with its duration when it ends. */
export interface Log {
  /** Runs `fn`, says `title` before it and how long it took after it, also when it fails. */
  step<T>(title: string, fn: () => Promise<T>): Promise<T>;
  /** One line for people. */
  info(message: string): void;
}

/**
 * A log that writes lines to `write`; standard error by default, so that standard output stays for results
 * (`make kubeconfig` prints a path that is meant for `$(…)`).
 */
export function lineLog(write: (line: string) => void = (line) => process.stderr.write(`${line}\n`)): Log {
  return {
    info: (message) => {
      write(`    ${message}`);
    },
    async step(title, fn) {
      const started = Date.now();
      write(`==> ${title}`);
      try {
        const result = await fn();
        write(`  ✓ ${title} (${seconds(started)})`);
        return result;
      } catch (error) {
        write(`  ✗ ${title} (failed after ${seconds(started)})`);
        throw error;
      }
    },
  };
}

function seconds(started: number): string {
  return `${((Date.now() - started) / 1000).toFixed(1)} s`;
}
