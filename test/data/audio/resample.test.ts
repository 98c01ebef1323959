/** Rate conversion: tones stay what they are, what cannot be represented goes, windows equal the whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mixChannels, resampleSound, resampleWindow, type Sound } from '../../../src/data/audio/index.js';
import { HiperceiverError } from '../../../src/errors/index.js';
import { keyFrom, normal } from '../../../src/random/index.js';
import { tone } from './fixtures.js';

const PAIRS: [number, number][] = [
  [8000, 16000],
  [16000, 8000],
  [44100, 16000],
  [44100, 48000],
  [48000, 44100],
  [22050, 8000],
  [8000, 44101], // so many phases that they are interpolated
  [44101, 16000],
  [96000, 8000],
];

/** Amplitude of one frequency in the middle of a sound, by projection under a smooth window. */
function amplitude({ rate, samples }: Sound, frequency: number): number {
  let [re, im, weight] = [0, 0, 0];
  const edge = Math.floor(samples.length / 8);
  for (let i = edge; i < samples.length - edge; i++) {
    const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * (i - edge)) / (samples.length - 2 * edge));
    re += window * samples[i] * Math.cos((2 * Math.PI * frequency * i) / rate);
    im += window * samples[i] * Math.sin((2 * Math.PI * frequency * i) / rate);
    weight += window / 2;
  }
  return Math.hypot(re, im) / weight;
}

/** Root of the mean square away from the ends. */
function level({ samples }: Sound): number {
  const middle = samples.subarray(samples.length >> 3, samples.length - (samples.length >> 3));
  return Math.sqrt(middle.reduce((sum, value) => sum + value * value, 0) / middle.length);
}

test('a tone keeps its frequency, phase and amplitude', () => {
  for (const [from, to] of PAIRS) {
    for (const share of [0.05, 0.4, 0.8]) {
      const frequency = (share * Math.min(from, to)) / 2;
      const changed = resampleSound(tone(from, Math.floor(from / 5), frequency), to);
      const exact = tone(to, changed.samples.length, frequency);
      const edge = changed.samples.length >> 3;
      let worst = 0;
      for (let i = edge; i < changed.samples.length - edge; i++)
        worst = Math.max(worst, Math.abs(changed.samples[i] - exact.samples[i]));
      assert.ok(worst < 1e-3, `${from} to ${to}, ${frequency} Hz: ${worst}`);
      assert.ok(Math.abs(amplitude(changed, frequency) - 1) < 5e-4);
    }
  }
});

test('what lies above the new Nyquist frequency is gone: below -60 dB', () => {
  for (const [from, to] of PAIRS.filter(([from, to]) => to < from)) {
    for (const share of [1.005, 1.1, 1.5]) {
      const frequency = (share * to) / 2;
      if (frequency >= from / 2) continue;
      const decibels =
        20 * Math.log10(level(resampleSound(tone(from, Math.floor(from / 5), frequency), to)) * Math.SQRT2);
      assert.ok(decibels < -60, `${from} to ${to}, ${frequency} Hz: ${decibels} dB`);
    }
  }
});

test('raising the rate adds no images of the sound', () => {
  for (const [from, to] of PAIRS.filter(([from, to]) => to > from)) {
    const frequency = 0.4 * from;
    const raised = resampleSound(tone(from, Math.floor(from / 5), frequency), to);
    if (from - frequency < to / 2) assert.ok(amplitude(raised, from - frequency) < 1e-3, `${from} to ${to}`);
  }
});

test('the length is ceil(frames * to / from), a constant stays, the same rate changes nothing', () => {
  for (const [from, to] of PAIRS) {
    for (const frames of [1, 2, 7, 1000, 4411]) {
      const sound = { rate: from, channels: 1, samples: new Float32Array(frames).fill(0.5) };
      const changed = resampleSound(sound, to);
      assert.equal(changed.samples.length, Math.ceil((frames * to) / from));
      assert.ok(changed.samples.every(Number.isFinite));
      if (frames > 4000) assert.ok(Math.abs(changed.samples[changed.samples.length >> 1] - 0.5) < 1e-5);
    }
  }
  const sound = tone(8000, 10, 100);
  assert.equal(resampleSound(sound, 8000), sound);
});

test('channels do not mix, and a window equals that part of the whole', () => {
  const samples = normal(keyFrom(1), 3000);
  const stereo: Sound = { rate: 11025, channels: 2, samples };
  const left: Sound = { rate: 11025, channels: 1, samples: samples.filter((_, i) => i % 2 === 0) };
  for (const rate of [8000, 11025, 16000, 22051]) {
    const whole = resampleSound(stereo, rate);
    const frames = whole.samples.length / 2;
    assert.deepEqual(
      whole.samples.filter((_, i) => i % 2 === 0),
      resampleSound(left, rate).samples,
    );
    for (const [start, count] of [
      [0, 5],
      [300, 77],
      [-20, 60],
      [frames - 10, 30],
      [-5, frames + 10],
      [frames + 3, 4],
      [-9, 4],
    ]) {
      const expected = Float32Array.from({ length: 2 * count }, (_, i) => whole.samples[2 * start + i] ?? 0);
      assert.deepEqual(resampleWindow(stereo, rate, start, count), expected, `${rate}: ${start} + ${count}`);
    }
  }
});

test('rates that no sound has are refused without touching memory', () => {
  const sound = tone(1, 100, 0.1);
  const refused = (pattern: RegExp) => (error: unknown) =>
    error instanceof HiperceiverError && pattern.test(error.message);
  assert.throws(() => resampleSound(sound, 44100), refused(/1 Hz cannot be brought to 44100 Hz/));
  assert.throws(() => resampleSound({ ...sound, rate: 2 ** 24 }, 1), refused(/cannot be brought/));
  assert.throws(() => resampleWindow(tone(20, 10, 1), 40000, 0, 2 ** 30), refused(/cut it, or ask for a lower rate/));
});

test('channels: mean, repetition, and a sentence where there is no rule', () => {
  const stereo: Sound = { rate: 8000, channels: 2, samples: Float32Array.of(1, 0, -1, 0.5) };
  assert.deepEqual(mixChannels(stereo, 1), { rate: 8000, channels: 1, samples: Float32Array.of(0.5, -0.25) });
  assert.deepEqual([...mixChannels(mixChannels(stereo, 1), 3).samples], [0.5, 0.5, 0.5, -0.25, -0.25, -0.25]);
  assert.equal(mixChannels(stereo, 2), stereo);
  assert.throws(() => mixChannels({ ...stereo, channels: 4 }, 2), /4 channels where 2 are asked for: ask for 4/);
});

test('a second of speech is converted in a moment', () => {
  const speech = tone(44100, 44100, 300);
  resampleSound(speech, 16000);
  const start = performance.now();
  resampleSound(speech, 16000);
  assert.ok(performance.now() - start < 500);
});
