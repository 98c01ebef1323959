/** Compares what was computed with what a golden case expects, and notices what nobody compared. */
import { show } from '../graph/index.js';
import { type GoldenCase, tensorOf } from './goldenCase.js';

/** How far values may be apart. */
export interface Tolerance {
  /** Allowed: |got - expected| ≤ atol + rtol · |expected|. */
  rtol?: number;
  atol?: number;
}

/** One tensor compared. */
export interface Check {
  /** `output.loss`, `grad.blocks.0.attn.qkv.weight`, … */
  name: string;
  /** Largest |got - expected|; infinite where sizes differ or one of the two is not finite. */
  error: number;
  ok: boolean;
  /** On failure: what is wrong and where. */
  reason?: string;
}

/** Collects the checks of one case. */
export class Comparison {
  readonly checks: Check[] = [];
  private readonly tolerance: Required<Tolerance>;
  private readonly open: Set<string>;

  constructor(private readonly golden: GoldenCase) {
    const { rtol, atol } = golden.json;
    this.tolerance = { rtol, atol };
    this.open = new Set([...golden.io.keys()].filter((key) => !key.startsWith('input.')));
  }

  /** Whether the case expects that tensor and it was not compared yet. */
  wants(key: string): boolean {
    return this.open.has(key);
  }

  /**
   * Compares with the tensor `key` of io.safetensors, in row-major order.
   * @param options tolerances other than the case's; the computed shape where it should be checked too; and elements, from
   *   one up to but not including another, that mean nothing.
   */
  expect(
    key: string,
    got: ArrayLike<number> | number,
    options: Tolerance & { shape?: readonly number[]; except?: readonly (readonly [number, number])[] } = {},
  ): void {
    const expected = tensorOf(this.golden, key);
    this.open.delete(key);
    const { shape } = options;
    if (shape && show(shape) !== show(expected.shape)) {
      this.checks.push({
        name: key,
        error: Infinity,
        ok: false,
        reason: `the shape is ${show(shape)}, not ${show(expected.shape)}`,
      });
    } else {
      const values = Array.from(expected.data as ArrayLike<number>, Number);
      const meant = (_: number, i: number) => !options.except?.some(([from, to]) => i >= from && i < to);
      if (!options.except || typeof got === 'number') this.expectValues(key, got, values, options);
      else this.expectValues(key, Array.from(got).filter(meant), values.filter(meant), options);
    }
  }

  /** Compares with values that stand elsewhere, such as in case.json. */
  expectValues(
    name: string,
    got: ArrayLike<number> | number,
    expected: ArrayLike<number>,
    options: Tolerance = {},
  ): void {
    const values = typeof got === 'number' ? [got] : got;
    this.checks.push({ name, ...compare(values, expected, { ...this.tolerance, ...options }) });
  }

  /** Tensors that the case expects and that were not compared. */
  get unchecked(): string[] {
    return [...this.open];
  }
}

function compare(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  { rtol, atol }: Required<Tolerance>,
): Omit<Check, 'name'> {
  if (got.length !== expected.length) {
    return { error: Infinity, ok: false, reason: `${got.length} values instead of ${expected.length}` };
  }
  let largest = 0;
  let worst: { at: number; excess: number } | undefined;
  for (let i = 0; i < expected.length; i++) {
    const error = distance(got[i], expected[i]);
    const excess = error - (atol + rtol * Math.abs(expected[i]));
    largest = Math.max(largest, error);
    // Compared as "not within", so that a tolerance that is itself infinite or NaN can never let an infinite error pass.
    if (error !== 0 && !(excess <= 0 && Number.isFinite(error)) && !(worst && worst.excess >= excess))
      worst = { at: i, excess };
  }
  if (!worst) return { error: largest, ok: true };
  return { error: largest, ok: false, reason: `element ${worst.at} is ${got[worst.at]}, not ${expected[worst.at]}` };
}

/** |a - b|; 0 for two NaN or two equal infinities, infinite where only one of them is not finite. */
function distance(a: number, b: number): number {
  if (Object.is(a, b) || a === b) return 0;
  return Number.isFinite(a) && Number.isFinite(b) ? Math.abs(a - b) : Infinity;
}
