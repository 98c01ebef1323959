/** Spectra against their definition, the filter bank against the published one, SpecAugment's stripes. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readSafetensors, toFloat32 } from '../../../src/checkpoint/index.js';
import { powerSpectrum } from '../../../src/data/audio/fft.js';
import {
  checkSpectrogramOptions,
  decodeWav,
  logMelSpectrogram,
  melFilters,
  powerSpectrogram,
  type SpectrogramOptions,
  specAugment,
  transformSpectrogram,
} from '../../../src/data/audio/index.js';
import { HiperceiverError } from '../../../src/errors/index.js';
import { fold, keyFrom, normal } from '../../../src/random/index.js';
import { DIGITS, tone } from './fixtures.js';

const key = keyFrom(5);
const close = (found: ArrayLike<number>, wanted: ArrayLike<number>, atol: number, rtol: number, what: string) => {
  assert.equal(found.length, wanted.length, what);
  for (let i = 0; i < wanted.length; i++)
    assert.ok(
      Math.abs(found[i] - wanted[i]) <= atol + rtol * Math.abs(wanted[i]),
      `${what}[${i}]: ${found[i]}, ${wanted[i]}`,
    );
};

test('the fast transform is the discrete Fourier transform, at every power of two', () => {
  for (const size of [4, 8, 64, 512]) {
    const frame = normal(fold(key, size), size);
    const expected = Array.from({ length: size / 2 + 1 }, (_, k) => {
      let [re, im] = [0, 0];
      for (let i = 0; i < size; i++) {
        re += frame[i] * Math.cos((2 * Math.PI * k * i) / size);
        im -= frame[i] * Math.sin((2 * Math.PI * k * i) / size);
      }
      return re * re + im * im;
    });
    const found = new Float64Array(size / 2 + 1);
    powerSpectrum(frame, found);
    close(found, expected, 1e-9, 1e-9, `${size}`);
  }
  assert.throws(() => powerSpectrum(new Float32Array(12), new Float32Array(7)), /power of two/);
});

test('the published filter bank of Audio-MAE is met', async (context) => {
  const path = fileURLToPath(
    new URL('../../../../../shared/golden/audio_mae/fbank_audioset/io.safetensors', import.meta.url),
  );
  if (!existsSync(path)) return context.skip('the golden case is not at hand');
  const { tensors } = await readSafetensors(path);
  const values = (name: string) => toFloat32(tensors.get(name)!);
  const samples = values('input.waveform');
  const options = { rate: 16000 };

  const banks = new Float32Array(128 * 256);
  melFilters(options).forEach(({ first, weights }, m) => banks.set(weights, m * 256 + first));
  close(banks, values('output.mel_banks'), 1e-5, 1e-4, 'mel_banks');
  const { frames, bins, values: fbank } = logMelSpectrogram(samples, options);
  assert.deepEqual([frames, bins], [98, 128]);
  close(fbank, values('output.fbank'), 2e-3, 1e-3, 'fbank');
  const input = transformSpectrogram(
    { rate: 16000, channels: 1, samples },
    { ...options, frames: 128, mean: -4.2677393, std: 4.5689974 },
    key,
  );
  assert.equal(input.length, 98 * 128);
  close(input.values, values('output.model_input'), 2e-3, 1e-3, 'model_input');
});

test('the number of frames, and the floor of silence', () => {
  assert.equal(logMelSpectrogram(new Float32Array(160000), { rate: 16000 }).frames, 998);
  assert.equal(logMelSpectrogram(new Float32Array(400), { rate: 16000 }).frames, 1);
  assert.equal(logMelSpectrogram(new Float32Array(399), { rate: 16000 }).frames, 0);
  const { values } = logMelSpectrogram(new Float32Array(4000), { rate: 8000, numMelBins: 40 });
  assert.ok(values.every((value) => Math.abs(value - Math.log(2 ** -23)) < 1e-5));
});

test('a tone is loudest in the filter that holds its frequency', () => {
  const options = { rate: 16000, numMelBins: 64 };
  const filters = melFilters(options);
  for (const frequency of [500, 1000, 3000, 6000]) {
    const { values, bins } = logMelSpectrogram(tone(16000, 1600, frequency).samples, options);
    const frame = [...values.subarray(3 * bins, 4 * bins)];
    const { first, weights } = filters[frame.indexOf(Math.max(...frame))];
    const bin = (frequency * 512) / 16000;
    assert.ok(bin >= first - 1 && bin <= first + weights.length, `${frequency}`);
  }
});

test('a full-scale tone has power 1 at its bin in the picture’s spectrogram', () => {
  const { values, bins } = powerSpectrogram(tone(8000, 2000, 1000).samples, 256, [1000]);
  const loudest = Math.max(...values);
  assert.equal(values.indexOf(loudest), 32);
  assert.ok(Math.abs(loudest - 1) < 0.02 && bins === 129);
});

test('SpecAugment hides at most one stripe of each kind, and only as told', () => {
  const [frames, bins] = [60, 40];
  const widths = { frequency: new Set<number>(), time: new Set<number>() };
  for (let i = 0; i < 200; i++) {
    const values = new Float32Array(frames * bins).fill(1);
    specAugment(values, bins, { frequencyMask: 8, timeMask: 12 }, fold(key, i));
    const rows = Array.from({ length: frames }, (_, f) => values.subarray(f * bins, (f + 1) * bins));
    const hiddenRows = rows.flatMap((row, f) => (row.every((value) => value === 0) ? [f] : []));
    const seen = rows.find((row) => row.some((value) => value === 1))!;
    const hiddenBins = [...seen].flatMap((value, k) => (value === 0 ? [k] : []));
    for (const hidden of [hiddenRows, hiddenBins])
      assert.ok(
        hidden.every((place, j) => place === hidden[0] + j),
        'in one piece',
      );
    assert.ok(hiddenRows.length <= 12 && hiddenBins.length <= 8);
    assert.ok(rows.every((row, f) => hiddenRows.includes(f) || [...row].every((value, k) => value === seen[k])));
    widths.frequency.add(hiddenBins.length);
    widths.time.add(hiddenRows.length);
  }
  assert.ok(widths.frequency.size === 9 && widths.time.size === 13, 'every width occurs');
  const untouched = new Float32Array(frames * bins).fill(1);
  specAugment(untouched, bins, {}, key);
  assert.ok(untouched.every((value) => value === 1));
});

test('speech as log-mel input: deterministic, padded, seeded', () => {
  const digit = decodeWav(DIGITS[1]);
  const options: SpectrogramOptions = { rate: 8000, numMelBins: 40, frames: 100, mean: -6, std: 2.5 };
  const plain = transformSpectrogram(digit, options, key);
  assert.equal(plain.values.length, 100 * 40);
  assert.equal(plain.length, 40 * (1 + Math.floor((digit.samples.length - 200) / 80)));
  assert.ok(
    plain.values.subarray(plain.length).every((value) => Math.abs(value - 6 / 5) < 1e-6),
    'zeros, normalised',
  );
  assert.deepEqual(transformSpectrogram(digit, options, keyFrom(9)), plain);
  const augmented = { ...options, gain: 6, shift: 0.1, frequencyMask: 8, timeMask: 10 };
  assert.notDeepEqual(transformSpectrogram(digit, augmented, key), plain);
  assert.deepEqual(transformSpectrogram(digit, augmented, key), transformSpectrogram(digit, augmented, key));
  assert.equal(transformSpectrogram({ ...digit, samples: new Float32Array(50) }, options, key).length, 0);
});

test('options that make no sense are named', () => {
  const refused = (more: object, pattern: RegExp) =>
    assert.throws(
      () => checkSpectrogramOptions({ rate: 16000, frames: 100, ...more }),
      (error: unknown) => error instanceof HiperceiverError && pattern.test(error.message),
    );
  checkSpectrogramOptions({ rate: 16000, frames: 1024, frequencyMask: 48, timeMask: 192, gain: 6 });
  refused({ rate: -1 }, /rate is -1/);
  refused({ frames: 0 }, /frames is 0/);
  refused({ numMelBins: 2.5 }, /numMelBins is 2\.5/);
  refused({ frameShift: 0 }, /frameShift 0/);
  refused({ highFrequency: 9000 }, /between 0 and 8000 Hz/);
  refused({ frequencyMask: 129 }, /frequencyMask is 129: give a whole number from 0 to 128/);
  refused({ timeMask: -1 }, /timeMask is -1/);
  refused({ std: 0 }, /std is \[0\]/);
  refused({ shift: 2 }, /shift is 2/);
});
