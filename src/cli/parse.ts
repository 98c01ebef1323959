import { nearest, unknownName } from '../errors/index.js';
import type { Command, CommandContext, OptionSpec } from './command.js';
import { recipeAliases } from './recipeOptions.js';
import { UsageError } from './usageError.js';

/** Options that every command takes. */
export const globalOptions: Record<string, OptionSpec> = {
  json: { type: 'boolean', help: 'print the result as JSON on stdout, everything else on stderr' },
  quiet: { type: 'boolean', help: 'print no progress' },
  debug: { type: 'boolean', help: 'print the stack of an error' },
  help: { type: 'boolean', short: 'h', help: 'show this help' },
};

/** A command line that was understood: everything of the context but its surroundings. */
export type Parsed = Omit<CommandContext, 'output' | 'program'> & { help: boolean };

/** What one `--name` does with its value. */
interface Target {
  spec: OptionSpec;
  set(value: unknown): void;
}

/** `batchSize` → `--batch-size` */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `batch-size` → `batchSize`; camelCase stays. */
function camelCase(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * Reads the arguments after a command's name: `--key value`, `--key=value`, `--flag`, `--no-flag`, `-k value`; for a
 * command with a recipe also `--section.key value`. After `--` everything is positional.
 *
 * @throws UsageError naming the option or argument that is unknown, missing, of the wrong type or too many
 */
export function parseArguments(command: Command, argv: readonly string[]): Parsed {
  const options: Record<string, unknown> = {};
  const globals: Record<string, unknown> = {};
  const overrides: Record<string, string> = {};
  const positionals: string[] = [];
  const targets = targetsOf(command, options, globals, overrides);

  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i];
    if (argument === '--') {
      positionals.push(...argv.slice(i + 1));
      break;
    }
    if (!isOption(argument)) {
      positionals.push(argument);
      continue;
    }
    const equals = argument.indexOf('=');
    const typed = equals < 0 ? argument : argument.slice(0, equals);
    const { target, negated } = find(command, targets, overrides, typed);
    let text = equals < 0 ? undefined : argument.slice(equals + 1);
    const following = i + 1 < argv.length && !isOption(argv[i + 1]) ? argv[i + 1] : undefined;
    const takesValue = target.spec.type !== 'boolean' && !negated;
    // A dotted key may name a switch of the recipe, so it alone may stand without a value.
    const optionalValue = typed.includes('.') && following === undefined;
    if (text === undefined && takesValue && !optionalValue) {
      if (following === undefined)
        throw new UsageError(`${typed} needs a value, as in ${typed} ${placeholder(target.spec)}.`);
      text = following;
      i++;
    }
    if (negated && text !== undefined) throw new UsageError(`${typed} takes no value.`);
    target.set(negated ? convert(typed, booleanSpec, 'false') : convert(typed, target.spec, text ?? 'true'));
  }

  const help = globals.help === true;
  if (!help) checkPositionals(command, positionals);
  for (const [key, spec] of Object.entries(command.options)) options[key] ??= defaultOf(spec);
  return {
    options: options as Parsed['options'],
    positionals,
    overrides,
    json: globals.json === true,
    debug: globals.debug === true,
    quiet: globals.quiet === true,
    help,
  };
}

const booleanSpec: OptionSpec = { type: 'boolean', help: '' };

/** Every option by the name typed after the dashes, camelCased. A command's own options come before the recipe's aliases. */
function targetsOf(
  command: Command,
  options: Record<string, unknown>,
  globals: Record<string, unknown>,
  overrides: Record<string, string>,
): Map<string, Target> {
  const targets = new Map<string, Target>();
  const add = (specs: Record<string, OptionSpec>, values: Record<string, unknown>) => {
    for (const [key, spec] of Object.entries(specs)) {
      const set = (value: unknown) => {
        values[key] = isList(spec) ? [...((values[key] as string[]) ?? []), ...(value as string[])] : value;
      };
      targets.set(key, { spec, set });
      if (spec.short) targets.set(spec.short, { spec, set });
    }
  };
  if (command.recipe) {
    for (const [name, { key, flag, help, placeholder }] of Object.entries(recipeAliases)) {
      const spec: OptionSpec = { type: flag ? 'boolean' : 'string', help, placeholder };
      targets.set(name, { spec, set: (value) => void (overrides[key] = String(value)) });
    }
  }
  add(globalOptions, globals);
  add(command.options, options);
  return targets;
}

/** The option that `typed` (with its dashes) names; `--no-x` names the switch `x`, negated. */
function find(
  command: Command,
  targets: Map<string, Target>,
  overrides: Record<string, string>,
  typed: string,
): { target: Target; negated: boolean } {
  const name = typed.replace(/^--?/, '');
  const direct = targets.get(camelCase(name));
  if (direct && (typed.startsWith('--') ? name.length > 1 : name.length === 1))
    return { target: direct, negated: false };
  const positive = name.startsWith('no-') ? name.slice(3) : undefined;
  const switched = positive !== undefined ? targets.get(camelCase(positive)) : undefined;
  if (switched?.spec.type === 'boolean') return { target: switched, negated: true };
  if (name.includes('.') && typed.startsWith('--')) {
    if (!command.recipe)
      throw new UsageError(`${typed} is a recipe's value, and the command ${command.name} takes no recipe.`);
    const key = dottedKey(positive ?? name);
    const spec: OptionSpec = { type: 'string', help: '' };
    return { target: { spec, set: (value) => void (overrides[key] = String(value)) }, negated: positive !== undefined };
  }
  const flags = [...targets.keys()].filter((key) => key.length > 1).map(flagOf);
  const near = nearest(typed, flags);
  const error = unknownName('option', typed, near === undefined ? flags : [near]);
  throw new UsageError(error.message);
}

/** `training.batch-size` → `training.batchSize`; what follows the second part is a name of the user's and stays. */
function dottedKey(name: string): string {
  return name
    .split('.')
    .map((part, i) => (i < 2 ? camelCase(part) : part))
    .join('.');
}

/** Whether an argument is an option rather than a value: `-1`, `-.5` and `-` are values. */
function isOption(argument: string): boolean {
  return argument.length > 1 && argument.startsWith('-') && Number.isNaN(Number(argument));
}

function convert(typed: string, spec: OptionSpec, text: string): unknown {
  switch (spec.type) {
    case 'string':
      return text;
    case 'strings':
      return text.split(',').filter((part) => part !== '');
    case 'repeated':
      return [text];
    case 'number':
      if (text.trim() === '' || Number.isNaN(Number(text)))
        throw new UsageError(`${typed} must be a number, got "${text}".`);
      return Number(text);
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw new UsageError(`${typed} must be true or false, got "${text}".`);
      return text === 'true';
  }
}

function defaultOf(spec: OptionSpec): unknown {
  if (spec.default !== undefined) return isList(spec) ? [...(spec.default as readonly string[])] : spec.default;
  return spec.type === 'boolean' ? false : isList(spec) ? [] : undefined;
}

function isList({ type }: OptionSpec): boolean {
  return type === 'strings' || type === 'repeated';
}

/** What the help shows in place of an option's value. */
export function placeholder(spec: OptionSpec): string {
  return spec.placeholder ?? { string: 'TEXT', number: 'N', strings: 'A,B', repeated: 'TEXT', boolean: '' }[spec.type];
}

function checkPositionals(command: Command, given: string[]): void {
  const specs = command.positionals ?? [];
  const missing = specs[given.length];
  if (missing && !missing.optional)
    throw new UsageError(`The command ${command.name} needs ${missing.name}: ${missing.help}.`);
  if (given.length > specs.length && !specs.at(-1)?.many) {
    const takes = specs.length === 0 ? 'no arguments' : `only ${specs.map(({ name }) => name).join(' ')}`;
    throw new UsageError(`The command ${command.name} takes ${takes}, but "${given[specs.length]}" was given too.`);
  }
}
