/** Arrays to stacks of bands: which axis is which. */
import { ensure } from '../../errors/index.js';
import type { NpyArray } from '../npy.js';
import { type BandData, type BandStack, checkRasterSize, sameType } from './bandStack.js';

/** Where an array has its bands: `[bands, H, W]`, `[H, W, bands]`, or told from the sizes. */
export type BandLayout = 'bands-first' | 'bands-last' | 'auto';

/** The axes of an array by their meaning. */
interface StackShape {
  dates: number;
  bands: number;
  height: number;
  width: number;
  first: boolean;
}

/**
 * The meaning of an array's axes; undefined where the number of axes or the layout leaves it open. `auto` takes the smaller
 * of the first and the last of the three last axes for the bands.
 */
export function stackShape(shape: readonly number[], layout: BandLayout): StackShape | undefined {
  if (shape.length === 2) return { dates: 1, bands: 1, height: shape[0], width: shape[1], first: true };
  if (shape.length !== 3 && shape.length !== 4) return undefined;
  const dates = shape.length === 4 ? shape[0] : 1;
  const [a, b, c] = shape.slice(-3);
  if (layout === 'auto' && (a === c || (b < a && b < c))) return undefined;
  const first = layout === 'auto' ? a < c : layout === 'bands-first';
  return first ? { dates, bands: a, height: b, width: c, first } : { dates, bands: c, height: a, width: b, first };
}

/** The stack that an array holds, its dates one after the other. @throws HiperceiverError with a short reason */
export function fromArray({ shape, data, dtype }: NpyArray, layout: BandLayout): BandStack {
  const axes = stackShape(shape, layout);
  ensure(
    axes,
    () =>
      `its shape [${shape}] leaves open which axis is the bands: save [bands, H, W], or say "bands-first" or "bands-last"`,
  );
  const { dates, bands, height, width, first } = axes;
  checkRasterSize(height, width, dates * bands);
  const values = bandData(data, dtype);
  const total = dates * bands;
  const stack = { height, width, bands: total, ...(dates > 1 && { dates }) };
  if (!first && dates === 1) return { ...stack, data: values };
  const out = sameType(values, values.length);
  const pixels = height * width;
  let from = 0;
  if (first) {
    for (let band = 0; band < total; band++) for (let p = 0; p < pixels; p++) out[p * total + band] = values[from++];
  } else {
    for (let date = 0; date < dates; date++)
      for (let p = 0; p < pixels; p++)
        for (let band = 0; band < bands; band++) out[p * total + date * bands + band] = values[from++];
  }
  return { ...stack, data: out };
}

/** Bytes, 16-bit integers and floats as they are, every other type as floats. */
function bandData(data: NpyArray['data'], dtype: string): BandData {
  if (data instanceof BigInt64Array) return Float32Array.from(data, Number);
  const kept = data instanceof Uint8Array || data instanceof Uint16Array || data instanceof Int16Array;
  // Truth values are 0 and 1, not bytes of 255 steps.
  return (kept && dtype !== '|b1') || data instanceof Float32Array ? data : Float32Array.from(data);
}
