/** Decoded sound to model inputs: `[samples, C]` floats, channel last, normalised. */
import { ensure } from '../../errors/index.js';
import { fold, type Key, uniform } from '../../random/index.js';
import { mixChannels } from './channels.js';
import { resampledFrames, resampleWindow } from './resample.js';
import type { Sound } from './sound.js';

/** How a decoded sound becomes numbers. Without `crop: 'random'`, `shift` and `gain` nothing is drawn. */
export interface SoundOptions {
  /** Samples per second of the result. */
  rate: number;
  /** Samples of the result, of each channel. */
  samples: number;
  /** Channels of the result: several become one by their mean, one is repeated. */
  channels: number;
  /** Which part of a longer sound is taken. Default `center`. */
  crop?: 'random' | 'center' | 'start';
  /** The sound moves by up to this share of what is taken of it, either way; below 1. Default 0. */
  shift?: number;
  /** Loudness changes by up to so many decibels, either way. Default 0. */
  gain?: number;
  /** Subtracted, in units of -1 … 1; one number per channel or one for all. Default 0. */
  mean?: readonly number[];
  /** Divided by, in units of -1 … 1; one number per channel or one for all. Default 1. */
  std?: readonly number[];
}

/** A sound as model input. */
export interface SoundInput {
  /** `[samples, C]`; what is before, after or beyond the sound is silence. */
  values: Float32Array;
  /** Samples up to the sound's end, at least 1; all after them are padding. */
  length: number;
}

/** Which samples are taken, and how loud. */
export interface SoundView {
  /** First sample, at the rate of the result; below 0 where silence comes first. */
  start: number;
  /** Factor of the amplitude. */
  factor: number;
}

/** Louder than any encoding's full scale: damaged floats, which would overflow further on. */
const LOUDEST = 2 ** 40;
const MOST_SAMPLES = 2 ** 28;
const MOST_GAIN = 60;

/** Checks options. @throws HiperceiverError naming the one that makes no sense */
export function checkSoundOptions(options: SoundOptions): void {
  const { rate, samples, channels, crop = 'center', shift = 0, gain = 0, mean = [0], std = [1] } = options;
  const isCount = (value: number) => Number.isInteger(value) && value > 0;
  ensure(isCount(rate), () => `rate is ${rate}: give samples per second as a whole number, such as 16000.`);
  ensure(isCount(channels), () => `channels is ${channels}: give 1 for mono or 2 for stereo.`);
  ensure(
    isCount(samples) && samples * channels <= MOST_SAMPLES,
    () => `samples is ${samples}: give a whole number above 0, at most 2^28 over all channels.`,
  );
  ensure(
    crop === 'random' || crop === 'center' || crop === 'start',
    () => `crop is "${crop}": give "random", "center" or "start".`,
  );
  ensure(shift >= 0 && shift < 1, () => `shift is ${shift}: give a share of the length, from 0 to below 1.`);
  ensure(gain >= 0 && gain <= MOST_GAIN, () => `gain is ${gain}: give decibels from 0 to ${MOST_GAIN}.`);
  checkNormalization(mean, std, channels);
}

/** Checks means and deviations against a number of channels. @throws HiperceiverError */
export function checkNormalization(mean: readonly number[], std: readonly number[], channels: number): void {
  for (const [name, values] of Object.entries({ mean, std })) {
    ensure(
      values.length === channels || values.length === 1,
      () => `${name} has ${values.length} numbers for ${channels} channels: give one per channel, or one for all.`,
    );
    ensure(
      values.every((value) => Number.isFinite(value) && (name === 'mean' || value > 0)),
      () => `${name} is [${values}]: give finite numbers${name === 'std' ? ' above 0' : ''}.`,
    );
  }
}

/**
 * Which part of a sound of `total` samples (at the rate of the result) an example shows, and how loud: a pure function of
 * the key. A shift moves the whole view, so that a longer sound's neighbouring samples come in, and else silence.
 */
export function drawSoundView(key: Key, total: number, options: Omit<SoundOptions, 'rate' | 'channels'>): SoundView {
  const { samples, crop = 'center', shift = 0, gain = 0 } = options;
  const spare = Math.max(0, total - samples);
  let start = crop === 'start' ? 0 : Math.floor(spare / 2);
  if (crop === 'random') start = Math.floor(uniform(fold(key, 'crop'), 1)[0] * (spare + 1));
  const most = Math.floor(shift * Math.min(total, samples));
  if (most > 0) start += Math.floor(uniform(fold(key, 'shift'), 1)[0] * (2 * most + 1)) - most;
  const decibels = gain > 0 ? gain * (2 * uniform(fold(key, 'gain'), 1)[0] - 1) : 0;
  return { start, factor: 10 ** (decibels / 20) };
}

/**
 * One decoded sound as model input, its view drawn by `key`: a pure function. Only what is shown is resampled, so a short
 * piece of a long recording is cheap.
 * @throws Error with a short reason where the sound is empty or holds NaN or infinities; HiperceiverError where there is
 * no rule for its channels
 */
export function transformSound(sound: Sound, options: SoundOptions, key: Key): SoundInput {
  checkSamples(sound);
  const { rate, samples, channels, mean = [0], std = [1] } = options;
  const total = resampledFrames(sound.samples.length / sound.channels, sound.rate, rate);
  const { start, factor } = drawSoundView(key, total, options);
  // To one channel first, to several last: the filter then runs over as few as can be.
  const source = channels === 1 ? mixChannels(sound, 1) : sound;
  const taken = resampleWindow(source, rate, start, samples);
  const { samples: values } = mixChannels({ rate, channels: source.channels, samples: taken }, channels);
  for (let c = 0; c < channels; c++) {
    const [scale, bias] = [factor / (std[c] ?? std[0]), -(mean[c] ?? mean[0]) / (std[c] ?? std[0])];
    for (let at = c; at < values.length; at += channels) values[at] = values[at] * scale + bias;
  }
  return { values, length: Math.min(samples, total - start) };
}

/** Refuses what is no sound. @throws Error with a short reason */
export function checkSamples({ channels, samples }: Sound): void {
  if (samples.length === 0) throw new Error('sound is empty');
  for (let i = 0; i < samples.length; i++) {
    if (Math.abs(samples[i]) <= LOUDEST) continue;
    throw new Error(`sample ${Math.floor(i / channels)} of the sound is ${samples[i]}`);
  }
}
