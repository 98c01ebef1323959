/** Golden tables: JSON files whose every row is checked, such as how modalities are grouped and how large models are. */
import { basename, dirname, resolve } from 'node:path';
import { readJson } from '../checkpoint/jsonFile.js';
import { ensure, HiperceiverError } from '../errors/index.js';
import { constNumGrouping, type Modality } from '../models/index.js';
import { describeVariant, inspectModel } from '../tasks/index.js';
import { checkMaskStatistics, type MaskStatistics } from './beitTables.js';
import type { Check } from './comparison.js';
import { systemOfReference } from './hip.js';
import { counters, runners } from './runners.js';
import type { Verdict } from './verifyCase.js';

/** An object of a table, of which nothing is known yet. */
type Json = Record<string, unknown>;

/**
 * The number of parameters that the size of this name has here, built from a table of named sizes.
 * Throws where there is no such size. `given`: arguments that the table itself lists for it.
 */
export type ParameterCounter = (row: string, given?: unknown) => number;

/** Verifies every row of a table. Whatever goes wrong becomes a verdict, never an exception. */
export async function verifyTable(file: string): Promise<Verdict> {
  const system = basename(dirname(resolve(file)));
  let checks: Check[] = [];
  let failure: string | undefined;
  let note = '';
  try {
    const table = await readJson(file);
    checks = checkRows(table, system, file);
    if (checks.length === 0) note = `nothing to check: ${table.note}`;
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  const failed = checks.filter(({ ok }) => !ok);
  const reasons = [
    ...(failure === undefined ? [] : [failure]),
    ...(failed.length > 0
      ? [`${failed[0].name}: ${failed[0].reason} (${failed.length} of ${checks.length} rows differ)`]
      : []),
  ];
  const ok = reasons.length === 0;
  const label = `${system}/${basename(file)}`;
  const summary = ok ? note || `${checks.length} rows equal` : reasons.join('; ');
  return {
    ok,
    line: `${ok ? 'ok  ' : 'FAIL'}  ${label.padEnd(32)}  ${summary}`,
    folder: file,
    system,
    name: basename(file),
    largestError: checks.length > 0 ? Math.max(...checks.map(({ error }) => error)) : null,
    where: failed[0]?.name,
    checks,
  };
}

function checkRows(table: Json, system: string, file: string): Check[] {
  if (Array.isArray(table.rows) && table.rows.every((row) => row?.numGroups !== undefined)) {
    return table.rows.map((row, i) => checkGrouping(row as Json, i, file));
  }
  if (table.counts && table._inputs) {
    const counts = Object.entries({ ...(table.counts as Json), ...(table.officialTest as Json | undefined) });
    return counts.map(([name, count]) => checkCount(name, Number(count), table._inputs as Inputs));
  }
  if (table.counts && Object.hasOwn(counters, system)) {
    const given = (table.configs ?? {}) as Json;
    return Object.entries(table.counts as Json).map(([name, count]) =>
      equal(name, [counters[system](name, given[name])], [Number(count)]),
    );
  }
  if (Array.isArray(table.meanFrequencyMap)) return checkMaskStatistics(table as unknown as MaskStatistics);
  ensure(Object.hasOwn(runners, system), () => `the system "${system}" is not built yet`);
  const rows = Object.entries(table).filter(([, value]) => typeof value === 'number');
  if (rows.length > 0 && Object.hasOwn(counters, system)) {
    return rows.map(([name, count]) => equal(name, [counters[system](name)], [Number(count)]));
  }
  // A system without named variants says so in place of a table.
  ensure(
    typeof table.note === 'string' && Object.keys(table).length === 1,
    () => `${file} is no table that can be checked: it holds neither rows nor counts`,
  );
  return [];
}

/** How groups are shared out: every number of the row. */
function checkGrouping(row: Json, index: number, file: string): Check {
  const { numGroups, indexDims, indexDimPerGroup, modalities } = row as {
    numGroups: number;
    indexDims: number[];
    indexDimPerGroup: number;
    modalities: { indexDim: number; groups: number; finalPadding: number; groupPadding: number }[];
  };
  ensure(
    Array.isArray(indexDims) && Array.isArray(modalities),
    () => `${file}: row ${index} has no indexDims and modalities`,
  );
  const got = constNumGrouping(
    numGroups,
    indexDims.map((indexDim, i) => ({ name: `modality ${i}`, indexDim })),
  );
  const numbers = (parts: typeof modalities) =>
    parts.flatMap((m) => [m.indexDim, m.groups, m.finalPadding, m.groupPadding]);
  return equal(
    `row ${index} (${numGroups} groups of ${indexDims.join(', ')})`,
    [got.indexDimPerGroup, ...numbers(got.modalities)],
    [indexDimPerGroup, ...numbers(modalities)],
  );
}

/** Data set → modality → [index, channels], by the name of a set of data sets. */
type Inputs = Record<string, Record<string, Record<string, [number, number]>>>;

/** `HiP/Mini/mock_data`: parameters of one model that all data sets of the set run through; `_pos=embed`: without projection. */
function checkCount(name: string, expected: number, inputs: Inputs): Check {
  const [reference, variant, set] = name.split('/');
  const unprojected = set.endsWith('_pos=embed');
  const datasets = inputs[unprojected ? set.slice(0, -'_pos=embed'.length) : set];
  if (!datasets) throw new HiperceiverError(`no inputs "${set}" for the count "${name}"`);
  const modalities = Object.values(datasets).map((dataset) =>
    Object.entries(dataset).map(([key, [rows, channels]]): Modality => ({ name: key, indexShape: [rows], channels })),
  );
  const config = unprojected ? { numPositionEncodingChannels: undefined } : {};
  const model = describeVariant(systemOfReference(reference), variant, modalities.flat(), config);
  return equal(name, [inspectModel(model, modalities).parameters], [expected]);
}

function equal(name: string, got: readonly number[], expected: readonly number[]): Check {
  const error = got.length === expected.length ? Math.max(...got.map((g, i) => Math.abs(g - expected[i]))) : Infinity;
  if (error === 0) return { name, error, ok: true };
  return { name, error, ok: false, reason: `${got.join(', ')} instead of ${expected.join(', ')}` };
}
