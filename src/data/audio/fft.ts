/** The fast Fourier transform of real signals whose length is a power of two. */
import { ensure } from '../../errors/index.js';

/** What a transform of one length needs, made once. */
interface Plan {
  /** Where each input goes, bits of its place reversed, for the half-length transform. */
  reversed: Uint32Array;
  /** cos and sin of 2 pi k / length for k below length / 2. */
  cos: Float64Array;
  sin: Float64Array;
  /** Room for the half-length transform. */
  real: Float64Array;
  imaginary: Float64Array;
}

const plans = new Map<number, Plan>();

/**
 * |DFT|^2 of a real frame, bins 0 … length / 2, written to `out`. Even samples are taken as real and odd ones as
 * imaginary parts of a transform of half the length, whose symmetric and antisymmetric halves are then told apart.
 * @param frame `[length]`, a power of two from 4 on
 * @param out `[length / 2 + 1]` at least, from `offset`
 */
export function powerSpectrum(frame: ArrayLike<number>, out: Float32Array | Float64Array, offset = 0): void {
  const length = frame.length;
  ensure(
    length >= 4 && (length & (length - 1)) === 0,
    () => `A Fourier transform of ${length} samples was asked for: pad them to a power of two.`,
  );
  const plan = planFor(length);
  const half = length / 2;
  const { real, imaginary } = plan;
  for (let i = 0; i < half; i++) {
    real[plan.reversed[i]] = frame[2 * i];
    imaginary[plan.reversed[i]] = frame[2 * i + 1];
  }
  transform(plan);
  for (let k = 0; k <= half; k++) {
    const [i, j] = [k % half, (half - k) % half];
    // Spectra of the even samples (even symmetry) and of the odd ones, then their sum with the odd ones delayed by one.
    const [evenReal, evenImaginary] = [(real[i] + real[j]) / 2, (imaginary[i] - imaginary[j]) / 2];
    const [oddReal, oddImaginary] = [(imaginary[i] + imaginary[j]) / 2, (real[j] - real[i]) / 2];
    const [c, s] = k < half ? [plan.cos[k], plan.sin[k]] : [-1, 0];
    const re = evenReal + c * oddReal + s * oddImaginary;
    const im = evenImaginary + c * oddImaginary - s * oddReal;
    out[offset + k] = re * re + im * im;
  }
}

/** Decimation in time (Cooley and Tukey 1965), in place, on input in reversed order. */
function transform({ real, imaginary, cos, sin }: Plan): void {
  const length = real.length;
  for (let size = 2; size <= length; size *= 2) {
    const step = (2 * length) / size; // the tables are those of twice the length
    for (let start = 0; start < length; start += size) {
      for (let k = 0, at = start; k < size / 2; k++, at++) {
        const other = at + size / 2;
        const [c, s] = [cos[k * step], sin[k * step]];
        const re = c * real[other] + s * imaginary[other];
        const im = c * imaginary[other] - s * real[other];
        real[other] = real[at] - re;
        imaginary[other] = imaginary[at] - im;
        real[at] += re;
        imaginary[at] += im;
      }
    }
  }
}

function planFor(length: number): Plan {
  let plan = plans.get(length);
  if (!plan) {
    const half = length / 2;
    const reversed = new Uint32Array(half);
    for (let i = 1; i < half; i++) reversed[i] = (reversed[i >> 1] >> 1) | (i & 1 ? half >> 1 : 0);
    const angles = Float64Array.from({ length: half }, (_, k) => (2 * Math.PI * k) / length);
    plan = {
      reversed,
      cos: angles.map(Math.cos),
      sin: angles.map(Math.sin),
      real: new Float64Array(half),
      imaginary: new Float64Array(half),
    };
    plans.set(length, plan);
  }
  return plan;
}
