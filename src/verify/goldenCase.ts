/** A golden case: what a reference implementation was given and what it answered, as files in one folder. */
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { readSafetensors, type StoredTensor, toFloat32 } from '../checkpoint/index.js';
import { readJson } from '../checkpoint/jsonFile.js';
import { ensure, unknownName } from '../errors/index.js';

/** A case's files in memory. */
export interface GoldenCase {
  folder: string;
  /** Which runner builds it: `blocks`, `hip`, … */
  system: string;
  /** The folder's own name; for messages alone. */
  name: string;
  /** The reference's arguments. */
  // biome-ignore lint/suspicious/noExplicitAny: each system has arguments of its own
  config: any;
  /** All of case.json. */
  // biome-ignore lint/suspicious/noExplicitAny: each system adds keys of its own
  json: any;
  /** io.safetensors: `input.<name>`, `output.<name>` and, where gradients belong to the case, `grad.<parameter>`. */
  io: Map<string, StoredTensor>;
  /** weights.safetensors, under the reference's parameter names. */
  weights?: Map<string, StoredTensor>;
}

/**
 * Reads `case.json`, `io.safetensors` and, where there is one, `weights.safetensors`.
 * @throws HiperceiverError naming the file that is missing or broken.
 */
export async function loadCase(folder: string): Promise<GoldenCase> {
  const jsonFile = join(folder, 'case.json');
  ensure(existsSync(folder), () => `${folder} does not exist: check the path.`);
  ensure(existsSync(jsonFile), () => `${folder} holds no case.json and so is no golden case.`);
  const json = await readJson(jsonFile);
  const { system, config = {} } = json;
  ensure(typeof system === 'string', () => `${jsonFile} names no "system", so nothing tells how to run it.`);
  for (const key of ['rtol', 'atol']) {
    const value = json[key];
    ensure(
      typeof value === 'number' && value >= 0,
      () => `${jsonFile} holds no tolerance "${key}", a number of at least 0.`,
    );
  }
  const { tensors: io } = await readSafetensors(join(folder, 'io.safetensors'));
  for (const name of Object.keys((json.outputs as object | undefined) ?? {})) {
    // `final.<param>` stands for one tensor for each parameter, `grad.<param>` for gradients, which bear no `output.`.
    const [start, isOne] = [name.split('<')[0], !name.includes('<')];
    const held = (key: string) =>
      isOne ? key === `output.${name}` : key.startsWith(`output.${start}`) || key.startsWith(start);
    ensure(
      [...io.keys()].some(held),
      () => `${jsonFile} lists the output "${name}", but io.safetensors holds no output.${name}.`,
    );
  }
  const weightsFile = join(folder, 'weights.safetensors');
  const weights = existsSync(weightsFile) ? (await readSafetensors(weightsFile)).tensors : undefined;
  return { folder, system, name: basename(resolve(folder)), config, json, io, weights };
}

/** A tensor of io.safetensors by its full name. Throws with the nearest name where there is none. */
export function tensorOf({ folder, io }: GoldenCase, key: string): StoredTensor {
  const tensor = io.get(key);
  if (!tensor) throw unknownName(`tensor of ${join(folder, 'io.safetensors')}`, key, io.keys());
  return tensor;
}

/** Values of a tensor as float32. */
export function floatsOf(golden: GoldenCase, key: string): Float32Array {
  return toFloat32(tensorOf(golden, key));
}

/** Values of a tensor of whole numbers (labels, indices, masks) as 32-bit integers. */
export function integersOf(golden: GoldenCase, key: string): Int32Array {
  return Int32Array.from(tensorOf(golden, key).data as ArrayLike<number>, Number);
}

/** Names under a prefix, without it: `namesUnder(golden, 'output.')`. */
export function namesUnder({ io }: GoldenCase, prefix: string): string[] {
  return [...io.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
}
