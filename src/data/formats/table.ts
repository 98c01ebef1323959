/** Files listed in a CSV table with columns for file, class and split (ESC-50, GRID, ModelNet lists, …). */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensure, unknownName } from '../../errors/index.js';
import { canonicalSplit } from '../splits.js';
import { parseCsv } from './csv.js';
import { type FoundExamples, type Location, naturalOrder, type SplitExamples } from './format.js';
import { endingsOf } from './kindOf.js';
import { listFiles } from './listing.js';

const FILE_COLUMNS = ['file', 'filename', 'file_name', 'path', 'filepath', 'audio', 'image', 'video', 'name', 'fname'];
const SPLIT_COLUMNS = ['split', 'subset', 'partition', 'set'];
/** Names first, numbers of the same classes after them. */
const LABEL_COLUMNS = ['class', 'category', 'class_name', 'label_name', 'label', 'labels', 'tags', 'target'];
/** Columns that tell examples apart and are no classes. */
const NO_CLASSES = /^(fold|index|id|idx|take|start.*|end.*|first.*|source|src.*|speaker|frame.*)$/i;
/** Two labels in one field: `Dog,Bark`, `dog|bark`. */
const SEVERAL = /[,;|]/;

/** A table of examples: rows that name files. */
interface Table {
  path: string;
  header: string[];
  rows: string[][];
  /** Of each row: its file below the folder, undefined where there is none. */
  files: (string | undefined)[];
}

/** Takes a folder with a table in it, or in a folder `meta` below it, most of whose rows name files of the kind. */
export async function detectTable(location: Location): Promise<FoundExamples | undefined> {
  if (location.file !== undefined) return undefined;
  const candidates = location.files.filter((name) => /\.csv$/i.test(name));
  for (const name of await readdir(join(location.folder, 'meta')).catch(() => []))
    if (/\.csv$/i.test(name)) candidates.push(`meta/${name}`);
  if (candidates.length === 0) return undefined;
  const files = await listFiles(location.folder, endingsOf(location.kind));
  for (const candidate of candidates) {
    const table = await openTable(location, candidate, files);
    if (table) return found(location, table);
  }
  return undefined;
}

async function openTable(location: Location, name: string, files: string[]): Promise<Table | undefined> {
  const path = join(location.folder, name);
  const [header = [], ...rows] = parseCsv(await readFile(path, 'utf8'));
  const column = header.findIndex((title) => FILE_COLUMNS.includes(title.toLowerCase()));
  if (column < 0 || rows.length === 0) return undefined;
  const known = new Set(files);
  const byName = new Map(files.map((file) => [file.slice(file.lastIndexOf('/') + 1), file]));
  const byStem = new Map(files.map((file) => [stem(file), file]));
  const found = rows.map((row) => {
    const wanted = (row[column] ?? '').replace(/\\/g, '/').replace(/^\.\//, '');
    const base = wanted.slice(wanted.lastIndexOf('/') + 1);
    return known.has(wanted) ? wanted : (byName.get(base) ?? byStem.get(base));
  });
  const present = found.filter((file) => file !== undefined).length;
  return present * 2 >= rows.length ? { path, header, rows, files: found } : undefined;
}

/** `a/b.wav` → `b`: some tables leave the ending out. */
function stem(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1).replace(/\.[^.]*$/, '');
}

function found(location: Location, table: Table): FoundExamples {
  const column = table.header.findIndex((title) => SPLIT_COLUMNS.includes(title.toLowerCase()));
  const splitOf = (row: string[]) => (column < 0 ? '' : (canonicalSplit(row[column]) ?? row[column]));
  const splits = [...new Set(table.rows.map(splitOf))].filter((split) => split !== '');
  return {
    splits,
    read: async (split) => readSplit(location, table, (row) => split === undefined || splitOf(row) === split),
  };
}

function readSplit(location: Location, table: Table, belongs: (row: string[]) => boolean): SplitExamples {
  const label = labelColumn(table, location.label);
  const chosen = Array.from(table.rows.keys()).filter((i) => belongs(table.rows[i]));
  const present = chosen.filter((i) => table.files[i] !== undefined);
  const remarks = [];
  const absent = chosen.length - present.length;
  if (absent > 0)
    remarks.push(`${absent} of ${chosen.length} files that ${table.path} lists do not exist and were left out.`);
  const source = {
    kind: 'files' as const,
    root: location.folder,
    files: present.map((i) => table.files[i] as string),
  };
  if (label === undefined) return { source, classes: [], remarks };

  const valuesOf = (row: string[]) => fieldValues(row[label], table.header[label]);
  // Over all splits, so that a class has the same number in each.
  const classes = [...new Set(table.rows.flatMap(valuesOf))].sort(naturalOrder);
  const index = new Map(classes.map((name, i) => [name, i]));
  if (location.label === undefined && !LABEL_COLUMNS.includes(table.header[label].toLowerCase()))
    remarks.push(
      `Classes are taken from the column "${table.header[label]}" of ${table.path}: choose with --data.label.`,
    );
  const several = table.rows.some((row) => valuesOf(row).length > 1);
  if (!several) {
    const labels = Int32Array.from(present, (i) => index.get(valuesOf(table.rows[i])[0] ?? '') ?? -1);
    const unnamed = labels.filter((value) => value < 0).length;
    ensure(unnamed === 0, () => `${unnamed} rows of ${table.path} have no ${table.header[label]}: fill the column.`);
    return { source, labels, classes, remarks };
  }
  const tags = new Uint8Array(present.length * classes.length);
  for (const [to, i] of present.entries())
    for (const value of valuesOf(table.rows[i])) tags[to * classes.length + (index.get(value) as number)] = 1;
  return { source, tags, classes, remarks };
}

/** A field's classes: several only in columns that are called so, for a comma may be part of a name. */
function fieldValues(field: string | undefined, title: string): string[] {
  const text = (field ?? '').trim();
  const several = /^(labels|tags|classes)$/i.test(title) && SEVERAL.test(text);
  const values = several ? text.split(SEVERAL).map((value) => value.trim()) : [text];
  return values.filter((value) => value !== '');
}

/**
 * The column of the classes: the one asked for, one that is called so, or the first that repeats its values.
 * @throws HiperceiverError where the wished column does not exist
 */
function labelColumn({ header, rows, path }: Table, wish: string | undefined): number | undefined {
  if (wish !== undefined) {
    const column = header.indexOf(wish);
    if (column < 0) throw unknownName(`column of ${path}`, wish, header);
    return column;
  }
  for (const name of LABEL_COLUMNS) {
    const column = header.findIndex((title) => title.toLowerCase() === name);
    if (column >= 0) return column;
  }
  const column = header.findIndex((title, at) => {
    if ([...FILE_COLUMNS, ...SPLIT_COLUMNS].includes(title.toLowerCase()) || NO_CLASSES.test(title)) return false;
    const distinct = new Set(rows.map((row) => row[at])).size;
    return distinct >= 2 && distinct * 4 <= rows.length;
  });
  return column < 0 ? undefined : column;
}
