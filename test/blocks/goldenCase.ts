/** Reads the golden cases that are committed under test/golden, and compares with their tolerances. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const repositoryRoot = join(import.meta.dirname, '..', '..', '..');

interface Tensor {
  shape: number[];
  data: Float32Array | BigInt64Array;
}

/** `case.json`, its tensors as `input.*` and `output.*`, and an assertion under its tolerances. */
export function goldenCase(name: string, folder = join(repositoryRoot, 'test', 'golden', 'blocks')) {
  const json = JSON.parse(readFileSync(join(folder, name, 'case.json'), 'utf8'));
  const tensors = readTensors(join(folder, name, 'io.safetensors'));
  const floats = (key: string) => tensors[key].data as Float32Array;
  const expectClose = (key: string, actual: ArrayLike<number> | number) => {
    const values = typeof actual === 'number' ? [actual] : actual;
    assertClose(values, tensors[key].data, json.rtol, json.atol, `${name} ${key}`);
  };
  return { json, tensors, floats, expectClose };
}

/** Asserts |actual - expected| <= atol + rtol * |expected| for each element. */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number> | ArrayLike<bigint>,
  rtol: number,
  atol: number,
  what: string,
): void {
  assert.equal(actual.length, expected.length, `${what}: number of elements`);
  for (let i = 0; i < actual.length; i++) {
    const wanted = Number(expected[i]);
    const error = Math.abs(actual[i] - wanted);
    assert.ok(error <= atol + rtol * Math.abs(wanted), `${what}[${i}]: ${actual[i]} instead of ${wanted}`);
  }
}

function readTensors(file: string): Record<string, Tensor> {
  const bytes = readFileSync(file);
  const headerEnd = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, headerEnd));
  delete header.__metadata__;
  const tensors: Record<string, Tensor> = {};
  for (const [
    key,
    {
      dtype,
      shape,
      data_offsets: [from, to],
    },
  ] of Object.entries<any>(header)) {
    const raw = new Uint8Array(bytes.subarray(headerEnd + from, headerEnd + to)).buffer;
    tensors[key] = { shape, data: dtype === 'I64' ? new BigInt64Array(raw) : new Float32Array(raw) };
  }
  return tensors;
}
