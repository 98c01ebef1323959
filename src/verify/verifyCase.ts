/** Runs golden cases and says in one line each how far the answers are from the reference's. */
import { basename, resolve } from 'node:path';
import { createEngine, type DeviceName, type Engine } from '../engine/index.js';
import { HiperceiverError } from '../errors/index.js';
import { type Check, Comparison } from './comparison.js';
import { type GoldenCase, loadCase } from './goldenCase.js';
import { runners } from './runners.js';
import { verifyTable } from './tables.js';

/** Builds what a case describes, runs it on the engine, and compares every tensor that the case expects. */
export type CaseRunner = (golden: GoldenCase, comparison: Comparison, engine: Engine) => Promise<void>;

/** How a case or a table ended. */
export interface Verdict {
  ok: boolean;
  /** `ok    hip/hip_mae_grad   max error 3.1e-6 at grad.x`, or `FAIL  …` with the reason. */
  line: string;
  folder: string;
  /** Absent where the folder could not be read. */
  system?: string;
  name: string;
  /** Largest |got - expected| of all tensors compared; null where nothing was. */
  largestError: number | null;
  /** The tensor with the largest error, or with the first failure. */
  where?: string;
  checks: Check[];
}

/**
 * Verifies one case folder. Whatever goes wrong becomes a verdict, never an exception.
 * @param options an engine that runs already, or the device to start one on for this case alone.
 */
export async function verifyCase(
  folder: string,
  options: { device?: DeviceName } | { engine: Engine } = {},
): Promise<Verdict> {
  let golden: GoldenCase | undefined;
  let comparison: Comparison | undefined;
  let failure: string | undefined;
  try {
    golden = await loadCase(folder);
    const runner = Object.hasOwn(runners, golden.system) ? runners[golden.system] : undefined;
    if (!runner) throw new HiperceiverError(`the system "${golden.system}" is not built yet`);
    comparison = new Comparison(golden);
    if ('engine' in options) await runner(golden, comparison, options.engine);
    else await withEngine(options.device, (engine) => runner(golden!, comparison!, engine));
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  return verdict(folder, golden, comparison, failure);
}

/** Verifies cases (folders) and tables (.json files) one after the other on one engine; `onVerdict` hears of each as soon as it is known. */
export async function verifyCases(
  paths: readonly string[],
  { device, onVerdict }: { device?: DeviceName; onVerdict?: (verdict: Verdict) => void } = {},
): Promise<Verdict[]> {
  return withEngine(device, async (engine) => {
    const verdicts: Verdict[] = [];
    for (const path of paths) {
      verdicts.push(path.endsWith('.json') ? await verifyTable(path) : await verifyCase(path, { engine }));
      onVerdict?.(verdicts[verdicts.length - 1]);
    }
    return verdicts;
  });
}

async function withEngine<T>(device: DeviceName | undefined, use: (engine: Engine) => Promise<T>): Promise<T> {
  await using engine = await createEngine({ device });
  return await use(engine);
}

function verdict(
  folder: string,
  golden: GoldenCase | undefined,
  comparison: Comparison | undefined,
  failure: string | undefined,
): Verdict {
  const checks = comparison?.checks ?? [];
  const unchecked = failure === undefined ? (comparison?.unchecked ?? []) : [];
  const failed = checks.filter((check) => !check.ok);
  const shown =
    failed[0] ??
    checks.reduce<Check | undefined>((worst, c) => (worst && worst.error >= c.error ? worst : c), undefined);
  const reasons = [
    ...(failure === undefined ? [] : [failure]),
    ...(failed.length > 0
      ? [`${short(failed[0].name)}: ${failed[0].reason} (${failed.length} of ${checks.length} tensors differ)`]
      : []),
    ...(unchecked.length > 0 ? [`not checked: ${unchecked.map(short).join(', ')}`] : []),
    ...(failure === undefined && checks.length + unchecked.length === 0 ? ['the case expects nothing'] : []),
  ];
  const ok = reasons.length === 0;
  const name = golden?.name ?? basename(resolve(folder));
  const label = golden ? `${golden.system}/${name}` : name;
  const summary = ok ? `max error ${shown!.error.toExponential(1)} at ${short(shown!.name)}` : reasons.join('; ');
  return {
    ok,
    line: `${ok ? 'ok  ' : 'FAIL'}  ${label.padEnd(32)}  ${summary}`,
    folder,
    system: golden?.system,
    name,
    largestError: checks.length > 0 ? Math.max(...checks.map((check) => check.error)) : null,
    where: shown?.name,
    checks,
  };
}

function short(key: string): string {
  return key.replace(/^output\./, '');
}
