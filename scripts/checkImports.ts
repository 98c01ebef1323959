/**
 * The rules of the house: which folder of `src/` may import which, no cycles between files, short files, telling names.
 * Prints every offence and exits 1 when there is one. `node dist/scripts/checkImports.js`
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folders of `src/`, lowest first: a folder imports from itself and from the tiers before its own. */
const tiers = [
  ['errors', 'random', 'protobuf'],
  ['graph'],
  ['engine'],
  ['nn', 'optim'],
  ['models'],
  ['objectives'],
  ['data', 'checkpoint', 'distributed'],
  ['training', 'tasks', 'verify'],
  ['visualize'],
  ['cli', 'server'],
];
/** Imports between folders of one tier that are meant. */
const sameTier: Record<string, string[]> = {
  random: ['errors'],
  protobuf: ['errors'],
  tasks: ['training'],
  verify: ['training', 'tasks'],
  cli: ['server'],
};
/** Folders that know plain typed arrays alone: they see nothing but the lowest tier. */
const plain = ['data', 'checkpoint', 'distributed'];
/** The package's public entries, which may import every folder but the command line. */
const entries = ['index.ts', 'browser.ts'];
const maxLines = 400;
const vagueNames = /^(utils?|helpers?|manager)$/i;

/** One import of `file`, both as paths below `src/` with forward slashes. */
interface Import {
  file: string;
  target: string;
  line: number;
  /** Present when the code runs, unlike `import type`. */
  atRuntime: boolean;
}

/** Every offence under the folder `src`, one line each, sorted by file. An empty list means that the house is in order. */
export function checkHouse(src: string): string[] {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => /\.[cm]?tsx?$/.test(name))
    .sort();
  const texts = new Map(files.map((file) => [file, readFileSync(join(src, file), 'utf8')]));
  const imports = files.flatMap((file) => importsOf(file, texts.get(file)!));
  return [
    ...files.flatMap((file) => fileOffences(file, texts.get(file)!)),
    ...imports.flatMap((edge) => directionOffence(edge)),
    ...cycles(files, imports).map((cycle) => `src/${cycle[0]}: import cycle ${cycle.join(' → ')}`),
  ].sort();
}

function fileOffences(file: string, text: string): string[] {
  const offences: string[] = [];
  const lines = text.trimEnd().split('\n');
  if (lines.length > maxLines) {
    offences.push(`src/${file}: ${lines.length} lines, and a file of more than ${maxLines} holds two ideas`);
  }
  lines.forEach((line, i) => {
    const word = line.match(/\b(TODO|FIXME)\b/);
    if (word) offences.push(`src/${file}:${i + 1}: ${word[0]} left in the source`);
  });
  const words = file.replace(/\.[a-z]+$/, '').match(/[A-Z]?[a-z0-9]+|[A-Z]+/g) ?? [];
  const vague = words.find((word) => vagueNames.test(word));
  if (vague) offences.push(`src/${file}: "${vague}" in a path says nothing about what the file holds`);
  const folder = file.split('/')[0];
  if (file.includes('/') && tierOf(folder) < 0) {
    offences.push(`src/${file}: the folder ${folder}/ has no place in the import order of scripts/checkImports.ts`);
  }
  return offences;
}

/** The relative imports of a file: static, re-exported, dynamic, and workers started by `new URL(…, import.meta.url)`. */
function importsOf(file: string, text: string): Import[] {
  const patterns: RegExp[] = [
    /^[ \t]*(?:import|export)\b(?<type>\s+type\b)?[^;'"`()]*?\bfrom\s*['"](?<path>\.[^'"]*)['"]/gm,
    /^[ \t]*import\s*['"](?<path>\.[^'"]*)['"]/gm,
    /^(?![ \t]*(?:\*|\/\/)).*?\bimport\(\s*['"](?<path>\.[^'"]*)['"]/gm,
    /^(?![ \t]*(?:\*|\/\/)).*?\bnew URL\(\s*['"](?<path>\.[^'"]*\.js)['"],\s*import\.meta\.url/gm,
  ];
  return patterns.flatMap((pattern, kind) =>
    [...text.matchAll(pattern)].map((match) => ({
      file,
      target: posix.join(posix.dirname(file), match.groups!.path).replace(/\.([cm]?)js$/, '.$1ts'),
      line: text.slice(0, match.index).split('\n').length,
      atRuntime: match.groups!.type === undefined && kind < 3,
    })),
  );
}

function directionOffence({ file, target, line }: Import): string[] {
  const offence = (why: string) => [`src/${file}:${line}: imports ${target}, but ${why}`];
  if (target.startsWith('..')) return offence('src/ imports nothing from outside itself');
  const [from, to] = [file.split('/')[0], target.split('/')[0]];
  if (from === to) return [];
  if (to === 'cli') return offence('nothing imports the command line');
  if (!file.includes('/')) return entries.includes(file) ? [] : offence('only public entries stand directly in src/');
  if (!target.includes('/')) return offence('folders never import the public entries');
  const [own, other] = [tierOf(from), tierOf(to)];
  if (own < 0 || other < 0) return [];
  if (sameTier[from]?.includes(to)) return [];
  if (plain.includes(from) && other > 0) return offence(`${from}/ knows plain typed arrays alone`);
  if (other > own) return offence(`${to}/ stands above ${from}/`);
  if (other === own) return offence(`${to}/ and ${from}/ stand side by side`);
  return [];
}

function tierOf(folder: string): number {
  return tiers.findIndex((tier) => tier.includes(folder));
}

/** One cycle of run-time imports for each strongly tangled place, found by depth-first search. */
function cycles(files: string[], imports: Import[]): string[][] {
  const targets = new Map<string, string[]>(files.map((file) => [file, []]));
  for (const { file, target, atRuntime } of imports) if (atRuntime) targets.get(file)!.push(target);
  const found: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string) => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file]);
    if (start >= 0 || done.has(file)) return;
    path.push(file);
    for (const target of targets.get(file) ?? []) visit(target);
    path.pop();
    done.add(file);
  };
  files.forEach(visit);
  return found;
}

/** The repository's own `src/`, seen from the compiled script in `dist/scripts/`. */
export const repositorySource = fileURLToPath(new URL('../../src', import.meta.url));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const offences = checkHouse(repositorySource);
  for (const offence of offences) console.log(offence);
  console.log(offences.length === 0 ? 'The house is in order.' : `${offences.length} offences.`);
  process.exitCode = offences.length === 0 ? 0 : 1;
}
