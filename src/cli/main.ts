import { readFileSync } from 'node:fs';
import { HiperceiverError, unknownName } from '../errors/index.js';
import { commands, type Registry } from './commands.js';
import { commandHelp, type Layout, programHelp } from './help.js';
import { createOutput, type Sink } from './output.js';
import { globalOptions, parseArguments } from './parse.js';
import { styleFor } from './style.js';
import { UsageError } from './usageError.js';

/** What surrounds a command line; tests put their own streams and commands here. */
export interface Surroundings {
  stdout: Sink;
  stderr: Sink;
  commands: Registry;
  /** How the program is called, for the help and the hints. */
  program: string;
}

/**
 * Runs one command line.
 *
 * @param argv the arguments after the program's name
 * @returns the exit code: 0, what the command returned, 1 after an error, 2 for a command line that makes no sense
 */
export async function main(argv: readonly string[], surroundings: Partial<Surroundings> = {}): Promise<number> {
  const around: Surroundings = {
    stdout: process.stdout,
    stderr: process.stderr,
    commands,
    program: 'hip',
    ...surroundings,
  };
  try {
    return await dispatch(argv, around);
  } catch (error) {
    return report(error, argv, around);
  }
}

async function dispatch(argv: readonly string[], around: Surroundings): Promise<number> {
  const { stdout, stderr, commands, program } = around;
  const layout: Layout = { style: styleFor(stdout), width: Math.min(stdout.columns ?? 100, 110), program };
  // Options of every command may also stand before its name: `hip --json models`.
  const at = argv.findIndex((argument) => !isGlobal(argument));
  const first = argv[at];
  if (first === '--version') {
    stdout.write(`${version()}\n`);
    return 0;
  }
  const topic = first === 'help' ? argv[at + 1] : undefined;
  if (topic === undefined && (first === undefined || first === 'help')) {
    stdout.write(`${programHelp(commands, layout)}\n`);
    return 0;
  }
  const name = topic ?? first;
  if (name.startsWith('-')) throw new UsageError(`${name} must follow a command, as in ${program} COMMAND ${name}.`);
  if (!Object.hasOwn(commands, name)) throw new UsageError(unknownName('command', name, Object.keys(commands)).message);
  const { command } = await commands[name].load();
  const rest = argv.filter((_, i) => i !== at);
  const parsed = topic !== undefined ? undefined : parseArguments(command, rest);
  if (parsed === undefined || parsed.help) {
    stdout.write(`${commandHelp(command, layout)}\n`);
    return 0;
  }
  return (await command.run({ ...parsed, program, output: createOutput(stdout, stderr, parsed) })) ?? 0;
}

function isGlobal(argument: string): boolean {
  return argument === '-h' || (argument.startsWith('--') && Object.hasOwn(globalOptions, argument.slice(2)));
}

/** Says what went wrong in one sentence, with the stack for `--debug`; the exit code. */
export function report(error: unknown, argv: readonly string[], { stderr, program, commands }: Surroundings): number {
  const { red, dim } = styleFor(stderr);
  const write = (line: string) => stderr.write(`${line}\n`);
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof UsageError) {
    const name = argv.find((argument) => Object.hasOwn(commands, argument));
    write(`${red('error:')} ${message}`);
    write(dim(`${program} ${name ? `${name} ` : ''}--help shows what can be given.`));
  } else if (error instanceof HiperceiverError) {
    write(`${red('error:')} ${message}`);
  } else {
    const hint = argv.includes('--debug') ? '' : ' Run again with --debug to see where.';
    write(`${red('error:')} Unexpected: ${message.split('\n')[0].replace(/[.;:]?\s*$/, '.')}${hint}`);
  }
  if (argv.includes('--debug') && error instanceof Error) write(dim(stackOf(error)));
  return error instanceof UsageError ? 2 : 1;
}

/** The stack of an error and of those that caused it. */
function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return (error.stack ?? error.message) + cause;
}

function version(): string {
  const file = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
