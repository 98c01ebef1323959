import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commands } from './commands.js';
import { main, report, type Surroundings } from './main.js';

/**
 * Runs a command line as this process: signals, closed pipes, stray errors, and the exit code.
 *
 * @param argv the arguments after the program's name
 */
export async function runProcess(argv: readonly string[]): Promise<void> {
  const { stdout, stderr } = process;
  const around: Surroundings = { stdout, stderr, commands, program: programName() };

  // `hip models | head`: a reader that has seen enough is no error.
  for (const stream of [stdout, stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  }
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    // A command that saves before it ends listens itself and ends by itself.
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(code);
    });
  }
  const stray = (error: unknown) => process.exit(report(error, argv, around));
  process.on('uncaughtException', stray);
  process.on('unhandledRejection', stray);

  const code = await main(argv, around);
  await Promise.all([stdout, stderr].map((stream) => new Promise((done) => stream.write('', done))));
  // Explicit, because after an error a worker may still be alive.
  process.exit(code);
}

/** `./hip` for someone who stands in the program's own folder, else `hip`. */
function programName(): string {
  return fileURLToPath(new URL('../../..', import.meta.url)) === join(process.cwd(), '/') ? './hip' : 'hip';
}
