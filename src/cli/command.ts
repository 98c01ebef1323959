import type { Output } from './output.js';

/** One option of a command. Its key in {@link Command.options} is camelCase; people type it as `--kebab-case`. */
export interface OptionSpec {
  /** `strings` may be given several times, and each time as a comma list; `repeated` several times, each taken whole. */
  type: 'string' | 'number' | 'boolean' | 'strings' | 'repeated';
  help: string;
  /** Without one, an option that is not given is `undefined`, `false` (boolean) or `[]` (strings, repeated). */
  default?: string | number | boolean | readonly string[];
  /** A single letter: `s` lets people type `-s`. */
  short?: string;
  /** What stands for the value in the help, such as `FILE`; by default the type's name. */
  placeholder?: string;
}

/** One positional argument; only the last may be `many`. */
export interface PositionalSpec {
  /** As shown in the help, such as `CHECKPOINT`. */
  name: string;
  help: string;
  optional?: boolean;
  many?: boolean;
}

/** A command's options by camelCase key. */
export type OptionSpecs = Record<string, OptionSpec>;

interface ValueOf {
  string: string;
  number: number;
  boolean: boolean;
  strings: string[];
  repeated: string[];
}

/** The values of a command's options, typed from their specs. */
export type OptionValues<O extends OptionSpecs> = {
  [K in keyof O]: O[K] extends
    | { default: NonNullable<OptionSpec['default']> }
    | { type: 'boolean' | 'strings' | 'repeated' }
    ? ValueOf[O[K]['type']]
    : ValueOf[O[K]['type']] | undefined;
};

/** What a command gets to work with. */
export interface CommandContext<O extends OptionSpecs = OptionSpecs> {
  options: OptionValues<O>;
  positionals: string[];
  /** Recipe overrides by dotted key, as typed: `{ 'training.steps': '200' }`. Empty unless the command takes a recipe. */
  overrides: Record<string, string>;
  /** `--json`: the result is one JSON value on stdout. {@link Output.result} takes care of it. */
  json: boolean;
  /** `--debug`: stacks and further details are wanted. */
  debug: boolean;
  /** `--quiet`: no progress. {@link Output.note} takes care of it. */
  quiet: boolean;
  /** How the program is called here, for advice on what to type next. */
  program: string;
  output: Output;
}

/** One command of the command line, in a file of its own. */
export interface Command<O extends OptionSpecs = OptionSpecs> {
  name: string;
  /** One line, shown in the list of commands. */
  summary: string;
  /** The arguments after the name, such as `CHECKPOINT [options]`. */
  usage: string;
  /** What the command does, in a few sentences. */
  description?: string;
  options: O;
  positionals?: readonly PositionalSpec[];
  /** Whether dotted options and their aliases override values of a recipe. */
  recipe?: boolean;
  /** Command lines that work as they stand. */
  examples: readonly string[];
  /** Runs the command. The number it returns, if any, is the exit code; an error is thrown. */
  run(context: CommandContext<O>): Promise<number | void>;
}

/** A command whose option values are typed from its option specs. */
export function defineCommand<const O extends OptionSpecs>(command: Command<O>): Command {
  // Safe: the parser builds `options` from this command's own specs.
  return command as unknown as Command;
}
