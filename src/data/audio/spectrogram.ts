/** Spectrograms: plain power, and the log-mel filter bank of speech recognition (Kaldi's) that Audio-MAE is fed with. */
import { ensure } from '../../errors/index.js';
import { powerSpectrum } from './fft.js';

/** How a waveform becomes a log-mel filter bank. */
export interface FilterBankOptions {
  /** Samples per second of the waveform. */
  rate: number;
  /** Mel filters. Default 128. */
  numMelBins?: number;
  /** Length of a frame in seconds. Default 0.025. */
  frameLength?: number;
  /** From one frame to the next in seconds. Default 0.01. */
  frameShift?: number;
  /** Lower end of the lowest filter in Hz. Default 20. */
  lowFrequency?: number;
  /** Upper end of the highest filter in Hz. Default: half the rate. */
  highFrequency?: number;
  /** Share of the previous sample that is subtracted from each. Default 0.97. */
  preemphasis?: number;
}

/** Numbers `[frames, bins]`, row-major. */
export interface Spectrogram {
  frames: number;
  bins: number;
  values: Float32Array;
}

/** The least energy whose logarithm is taken: float32's machine epsilon, as Kaldi does. */
const ENERGY_FLOOR = 2 ** -23;

/** Samples of a frame and of a step. */
export function frameSamples({ rate, frameLength = 0.025, frameShift = 0.01 }: FilterBankOptions): [number, number] {
  return [Math.floor(rate * frameLength), Math.floor(rate * frameShift)];
}

/**
 * Log-mel energies as Kaldi computes them and Audio-MAE (Huang et al. 2022, section 4.2) uses them: the clip's mean
 * removed; complete frames only, 1 + floor((samples - frame) / shift) of them, none where the sound is shorter than one;
 * of each frame mean removed, pre-emphasis, symmetric Hann window, zeros to a power of two, power, mel filters, logarithm.
 * @param samples `[samples]` mono
 * @returns `[frames, numMelBins]`, natural logarithms, at least -15.9424
 */
export function logMelSpectrogram(samples: Float32Array, options: FilterBankOptions): Spectrogram {
  checkFilterBank(options);
  const { numMelBins = 128, preemphasis = 0.97 } = options;
  const [length, shift] = frameSamples(options);
  const frames = samples.length < length ? 0 : 1 + Math.floor((samples.length - length) / shift);
  const size = powerOfTwo(length);
  const filters = melFilters(options);
  const window = hannWindow(length);
  const clipMean = mean(samples, 0, samples.length);
  const frame = new Float64Array(size);
  const power = new Float64Array(size / 2 + 1);
  const values = new Float32Array(frames * numMelBins);
  for (let f = 0; f < frames; f++) {
    const start = f * shift;
    for (let i = 0; i < length; i++) frame[i] = samples[start + i] - clipMean;
    const frameMean = mean(frame, 0, length);
    // Backwards, so that each sample still finds its predecessor unchanged; the first one takes itself for it.
    for (let i = 0; i < length; i++) frame[i] -= frameMean;
    for (let i = length - 1; i >= 0; i--) frame[i] = (frame[i] - preemphasis * frame[Math.max(0, i - 1)]) * window[i];
    powerSpectrum(frame, power);
    for (let m = 0; m < numMelBins; m++) {
      const { first, weights } = filters[m];
      let energy = 0;
      for (let k = 0; k < weights.length; k++) energy += weights[k] * power[first + k];
      values[f * numMelBins + m] = Math.log(Math.max(energy, ENERGY_FLOOR));
    }
  }
  return { frames, bins: numMelBins, values };
}

/** A mel filter: its weights for the bins from `first` on; empty where it is narrower than a bin and lies between two. */
export interface MelFilter {
  first: number;
  weights: Float64Array;
}

/**
 * Triangles of equal width on the mel axis, mel(f) = 1127 ln(1 + f / 700), each overlapping half of its neighbours and
 * with peak 1, straight on that axis and not in Hz. The bin at half the rate counts for none.
 */
export function melFilters(options: FilterBankOptions): MelFilter[] {
  const { rate, numMelBins = 128, lowFrequency = 20, highFrequency = rate / 2 } = options;
  const size = powerOfTwo(frameSamples(options)[0]);
  const [low, high] = [mel(lowFrequency), mel(highFrequency)];
  const width = (high - low) / (numMelBins + 1);
  const places = Array.from({ length: size / 2 }, (_, k) => (mel((k * rate) / size) - low) / width);
  return Array.from({ length: numMelBins }, (_, m) => {
    // Filter m rises from m to m + 1 and falls to m + 2, in units of its half width.
    const first = places.findIndex((place) => place > m);
    const end = places.findIndex((place) => place >= m + 2);
    const inside = first < 0 ? [] : places.slice(first, end < 0 ? undefined : end);
    return { first: Math.max(0, first), weights: Float64Array.from(inside, (place) => 1 - Math.abs(place - m - 1)) };
  });
}

/**
 * Power around the given samples, for pictures: a Hann window centred on each, silence outside the sound, a sine of
 * amplitude 1 being 1 at its bin.
 * @param samples `[samples]` mono
 * @param size samples of the window, a power of two
 * @returns `[centres.length, size / 2 + 1]`, bin k at k * rate / size Hz
 */
export function powerSpectrogram(samples: Float32Array, size: number, centres: ArrayLike<number>): Spectrogram {
  const bins = size / 2 + 1;
  const window = hannWindow(size);
  const scale = 2 / (mean(window, 0, size) * size);
  const frame = new Float64Array(size);
  const values = new Float32Array(centres.length * bins);
  for (let f = 0; f < centres.length; f++) {
    const start = Math.round(centres[f]) - size / 2;
    for (let i = 0; i < size; i++) frame[i] = (samples[start + i] ?? 0) * window[i] * scale;
    powerSpectrum(frame, values, f * bins);
  }
  return { frames: centres.length, bins, values };
}

/** @throws HiperceiverError naming the option that makes no sense */
export function checkFilterBank(options: FilterBankOptions): void {
  const { rate, numMelBins = 128, lowFrequency = 20, highFrequency = rate / 2, preemphasis = 0.97 } = options;
  const [length, shift] = frameSamples(options);
  ensure(Number.isInteger(rate) && rate > 0, () => `rate is ${rate}: give samples per second, such as 16000.`);
  ensure(
    Number.isInteger(numMelBins) && numMelBins > 0,
    () => `numMelBins is ${numMelBins}: give a whole number above 0, such as 128.`,
  );
  ensure(
    length >= 3 && length <= 2 ** 20 && shift >= 1,
    () =>
      `frameLength ${options.frameLength} and frameShift ${options.frameShift} are ${length} and ${shift} samples at ${rate} Hz: give seconds, such as 0.025 and 0.01.`,
  );
  ensure(
    lowFrequency >= 0 && lowFrequency < highFrequency && highFrequency <= rate / 2,
    () =>
      `lowFrequency ${lowFrequency} and highFrequency ${highFrequency} do not lie in order between 0 and ${rate / 2} Hz, half the rate: give lower ones.`,
  );
  ensure(preemphasis >= 0 && preemphasis <= 1, () => `preemphasis is ${preemphasis}: give a share from 0 to 1.`);
}

function mel(frequency: number): number {
  return 1127 * Math.log(1 + frequency / 700);
}

/** Symmetric: both ends are zero. */
function hannWindow(length: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / (length - 1)));
}

function powerOfTwo(least: number): number {
  return 2 ** Math.ceil(Math.log2(least));
}

function mean(values: Float32Array | Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += values[i];
  return to > from ? sum / (to - from) : 0;
}
