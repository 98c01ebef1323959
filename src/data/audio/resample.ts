/** Band-limited conversion between any two sampling rates. */
import { ensure } from '../../errors/index.js';
import { type FilterBank, filterBank } from './filterBank.js';
import type { Sound } from './sound.js';

/** Rates further apart are a slip or a damaged header: their filters would be longer than most sounds. */
const GREATEST_RATIO = 2 ** 12;
/** More samples than this (2 GiB) are refused before memory is touched. */
const MOST_SAMPLES = 2 ** 29;

/** Frames that a sound of `frames` has at another rate. */
export function resampledFrames(frames: number, from: number, to: number): number {
  return Math.ceil((frames * to) / from);
}

/**
 * The sound at another rate: ceil(frames * rate / sound.rate) frames, the first at the same moment. What lies above the
 * lower of the two Nyquist frequencies is 80 dB down, what lies below 0.84 of it unchanged; beyond both ends is silence.
 * @throws HiperceiverError where the rates are more than 4096 times apart or the result exceeds 2^29 samples
 */
export function resampleSound(sound: Sound, rate: number): Sound {
  if (rate === sound.rate) return sound;
  const frames = resampledFrames(sound.samples.length / sound.channels, sound.rate, rate);
  return { rate, channels: sound.channels, samples: resampleWindow(sound, rate, 0, frames) };
}

/**
 * The frames `start` to `start + count` of the sound at another rate, exactly as {@link resampleSound} would make them,
 * for the cost of those alone. Frames before the start and after the end are silence.
 * @returns `[count, channels]`
 */
export function resampleWindow(sound: Sound, rate: number, start: number, count: number): Float32Array {
  const { channels, samples } = sound;
  const ratio = Math.max(rate / sound.rate, sound.rate / rate);
  ensure(
    ratio <= GREATEST_RATIO,
    () =>
      `Sound at ${sound.rate} Hz cannot be brought to ${rate} Hz, more than ${GREATEST_RATIO} times apart: check the file and the rate.`,
  );
  ensure(
    count * channels <= MOST_SAMPLES,
    () => `At ${rate} Hz the sound would have ${count * channels} samples: cut it, or ask for a lower rate.`,
  );
  const out = new Float32Array(count * channels);
  const frames = samples.length / channels;
  // Frames that do not exist are left silent, also where a filter would ring beyond the end.
  const first = Math.max(0, -start);
  const end = Math.min(count, resampledFrames(frames, sound.rate, rate) - start);
  if (end <= first) return out;
  if (rate === sound.rate) {
    out.set(samples.subarray((start + first) * channels, (start + end) * channels), first * channels);
    return out;
  }
  const bank = filterBank(sound.rate, rate);
  const from = sourceFrame(bank, start + first);
  const span = sourceFrame(bank, start + end - 1) - from + bank.taps;
  const line = new Float32Array(span);
  for (let c = 0; c < channels; c++) {
    const offset = from - bank.taps / 2 + 1;
    for (let i = 0; i < span; i++) {
      const frame = offset + i;
      line[i] = frame >= 0 && frame < frames ? samples[frame * channels + c] : 0;
    }
    for (let i = first; i < end; i++) out[i * channels + c] = valueAt(line, bank, start + i, from);
  }
  return out;
}

/** The source frame at or before frame `n` of the result. */
function sourceFrame({ from, to }: FilterBank, n: number): number {
  return Math.floor((n * from) / to);
}

/** Frame `n` of the result, from a line of source samples whose first filter belongs to source frame `origin`. */
function valueAt(line: Float32Array, bank: FilterBank, n: number, origin: number): number {
  const { from, to, taps, phases, exact, weights } = bank;
  const frame = sourceFrame(bank, n);
  const remainder = n * from - frame * to;
  if (exact) return weighted(line, frame - origin, weights, remainder * taps, taps);
  const place = (remainder / to) * phases;
  const row = Math.floor(place);
  const share = place - row;
  return (
    (1 - share) * weighted(line, frame - origin, weights, row * taps, taps) +
    share * weighted(line, frame - origin, weights, (row + 1) * taps, taps)
  );
}

/** Four sums side by side: a processor need not wait for each addition before the next. */
function weighted(line: Float32Array, at: number, weights: Float32Array, row: number, taps: number): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  const last = taps - 3;
  let tap = 0;
  for (; tap < last; tap += 4) {
    a += line[at + tap] * weights[row + tap];
    b += line[at + tap + 1] * weights[row + tap + 1];
    c += line[at + tap + 2] * weights[row + tap + 2];
    d += line[at + tap + 3] * weights[row + tap + 3];
  }
  for (; tap < taps; tap++) a += line[at + tap] * weights[row + tap];
  return a + b + (c + d);
}
