/** The low-pass filters of rate conversion: a sinc under Kaiser's window, sampled at every phase that is needed. */

/** Filters between two rates in lowest terms, `from` : `to`. */
export interface FilterBank {
  from: number;
  to: number;
  /** Weights of each filter: the first stands for the source sample `taps / 2 - 1` before the place asked for. */
  taps: number;
  /** Rows of `weights`: the filter for each share 0, 1/phases, 2/phases, … of the way to the next source sample. */
  phases: number;
  /** Every place lies on a phase; else the two nearest rows are interpolated, and there is one row more than phases. */
  exact: boolean;
  /** `[phases or phases + 1, taps]` */
  weights: Float32Array;
}

/** Zero crossings of the sinc on either side, in samples of the lower rate. */
const ZERO_CROSSINGS = 32;
/** Kaiser's parameter for 80 dB: 0.1102 (80 - 8.7). */
const BETA = 7.857;
/** Middle of the transition as a share of the lower Nyquist frequency: 80 dB are reached at that frequency. */
const CUTOFF = 0.92;
/** Up to so many weights every phase gets its own row. */
const MOST_WEIGHTS = 2 ** 18;
/** Rows between two zero crossings where they are interpolated: what that adds is below -100 dB. */
const INTERPOLATED = 1024;
/** Banks kept; a data set has files of a few rates. */
const KEPT = 16;

const banks = new Map<string, FilterBank>();

/** The filters between two rates, made once and kept. */
export function filterBank(fromRate: number, toRate: number): FilterBank {
  const divisor = greatestCommonDivisor(fromRate, toRate);
  const [from, to] = [fromRate / divisor, toRate / divisor];
  const name = `${from}:${to}`;
  const bank = banks.get(name) ?? makeBank(from, to);
  // The one used last moves to the end, the one unused for longest goes.
  banks.delete(name);
  banks.set(name, bank);
  if (banks.size > KEPT) banks.delete(banks.keys().next().value as string);
  return bank;
}

function makeBank(from: number, to: number): FilterBank {
  const stretch = Math.max(1, from / to);
  const half = Math.ceil(ZERO_CROSSINGS * stretch);
  const taps = 2 * half;
  const exact = to * taps <= MOST_WEIGHTS;
  const phases = exact ? to : Math.max(1, Math.ceil(INTERPOLATED / stretch));
  const rows = exact ? phases : phases + 1;
  const weights = new Float32Array(rows * taps);
  for (let row = 0; row < rows; row++) {
    const filter = weights.subarray(row * taps, (row + 1) * taps);
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const time = (row / phases - (tap - half + 1)) / stretch;
      filter[tap] = sinc(CUTOFF * time) * kaiser(time / ZERO_CROSSINGS);
      sum += filter[tap];
    }
    // A constant stays what it is, at every phase.
    for (let tap = 0; tap < taps; tap++) filter[tap] /= sum;
  }
  return { from, to, taps, phases, exact, weights };
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Kaiser's window over -1 … 1. */
function kaiser(x: number): number {
  return Math.abs(x) >= 1 ? 0 : bessel(BETA * Math.sqrt(1 - x * x)) / bessel(BETA);
}

/** The modified Bessel function of order zero, by its power series. */
function bessel(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b > 0) [a, b] = [b, a % b];
  return a;
}
