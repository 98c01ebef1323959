import type { Command, OptionSpec } from './command.js';
import type { Registry } from './commands.js';
import { flagOf, globalOptions, placeholder } from './parse.js';
import { recipeAliases } from './recipeOptions.js';
import { type Style, visibleLength, wrapWords } from './style.js';

/** How a help page is laid out. */
export interface Layout {
  style: Style;
  /** Columns of the terminal. */
  width: number;
  /** How the program is called here: `hip`, or `./hip` from a clone's folder. */
  program: string;
}

/** One line of a list: what is typed, and what it means. */
type Entry = [term: string, meaning: string];

const gap = 2;
/** Longer terms get a line of their own, so that one of them does not push all meanings to the right. */
const maxTerm = 34;

/** The page of `hip --help`: all commands with their summaries. */
export function programHelp(commands: Registry, layout: Layout): string {
  const { style, program } = layout;
  return page([
    `${style.bold('Hiperceiver')}: pre-train, inspect and use Hierarchical Perceivers, anywhere ONNX Runtime runs.`,
    section('Usage', [`${program} COMMAND [options]`], layout),
    list(
      'Commands',
      Object.entries(commands).map(([name, { summary }]): Entry => [name, summary]),
      layout,
    ),
    list('Options of every command', [...optionEntries(globalOptions), ['    --version', 'show the version']], layout),
    style.dim(`${program} COMMAND --help explains a command and shows examples.`),
  ]);
}

/** The page of `hip COMMAND --help`. */
export function commandHelp(command: Command, layout: Layout): string {
  const { style, width, program } = layout;
  const positionals = (command.positionals ?? []).map(({ name, help }): Entry => [name, help]);
  const examples = command.examples.map((line) => style.cyan(line.replace(/^hip\b/, program)));
  return page([
    `${style.bold(`${program} ${command.name}`)}: ${command.summary}`,
    section('Usage', [`${program} ${command.name} ${command.usage}`.trimEnd()], layout),
    command.description ? wrapWords(command.description, width).join('\n') : '',
    list('Arguments', positionals, layout),
    list('Options', optionEntries(command.options), layout),
    command.recipe ? list('Values of the recipe', recipeEntries(command), layout) : '',
    list('Options of every command', optionEntries(globalOptions), layout),
    section('Examples', examples, layout),
  ]);
}

function page(parts: string[]): string {
  return parts.filter((part) => part !== '').join('\n\n');
}

function section(title: string, lines: string[], { style }: Layout): string {
  return lines.length === 0 ? '' : [style.bold(title), ...lines.map((line) => `  ${line}`)].join('\n');
}

/** A titled list with its meanings aligned and wrapped. */
function list(title: string, entries: Entry[], layout: Layout): string {
  const fitting = entries.map(([term]) => visibleLength(term)).filter((length) => length <= maxTerm);
  const column = Math.max(0, ...fitting) + gap;
  const lines = entries.flatMap(([term, meaning]) => {
    const [first, ...rest] = wrapWords(meaning, Math.max(30, layout.width - column - 2));
    const space = column - visibleLength(term);
    const head = layout.style.cyan(term);
    const wrapped = rest.map((line) => ' '.repeat(column) + line);
    return space >= gap
      ? [head + ' '.repeat(space) + first, ...wrapped]
      : [head, ' '.repeat(column) + first, ...wrapped];
  });
  return section(title, lines, layout);
}

function optionEntries(specs: Record<string, OptionSpec>): Entry[] {
  return Object.entries(specs).map(([key, spec]) => {
    const short = spec.short ? `-${spec.short}, ` : '    ';
    const flag = spec.type === 'boolean' && spec.default === true ? flagOf(key).replace('--', '--[no-]') : flagOf(key);
    return [`${short}${flag} ${placeholder(spec)}`.trimEnd(), spec.help + defaultNote(spec)];
  });
}

function defaultNote({ default: value }: OptionSpec): string {
  const text = Array.isArray(value) ? value.join(',') : String(value ?? '');
  return text === '' || text === 'false' ? '' : ` (default: ${text})`;
}

function recipeEntries(command: Command): Entry[] {
  const aliases = Object.entries(recipeAliases).filter(([name]) => !(name in command.options));
  return [
    ...aliases.map(
      ([name, alias]): Entry => [
        `    ${flagOf(name)} ${alias.placeholder ?? ''}`.trimEnd(),
        `${alias.help} (${alias.key})`,
      ],
    ),
    ['    --SECTION.KEY VALUE', 'any other value of the recipe, as in --masking.scheme uniform'],
  ];
}
