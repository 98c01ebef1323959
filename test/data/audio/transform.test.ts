/** Sounds as model inputs: views, augmentation as a function of the key, normalisation, bad samples. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkSoundOptions,
  decodeWav,
  resampleSound,
  type Sound,
  type SoundOptions,
  soundStatistics,
  transformSound,
} from '../../../src/data/audio/index.js';
import { HiperceiverError } from '../../../src/errors/index.js';
import { fold, keyFrom, uniform } from '../../../src/random/index.js';
import { DIGITS, tone, wav } from './fixtures.js';

const key = keyFrom(3);
const plain = (more: Partial<SoundOptions> = {}): SoundOptions => ({ rate: 8000, samples: 100, channels: 1, ...more });
/** Sample i has the value i + 1, so that a view shows where it was taken. */
const ramp = (frames: number): Sound => ({
  rate: 8000,
  channels: 1,
  samples: Float32Array.from({ length: frames }, (_, i) => i + 1),
});

test('without augmentation the centre or the start is shown, the same for every key', () => {
  const sound = ramp(1000);
  const centre = transformSound(sound, plain(), key);
  assert.deepEqual([centre.values[0], centre.values[99], centre.length], [451, 550, 100]);
  assert.deepEqual(transformSound(sound, plain(), keyFrom(4)), centre);
  assert.equal(transformSound(sound, plain({ crop: 'start' }), key).values[0], 1);
  assert.equal(sound.samples[0], 1, 'the sound itself is left alone');
});

test('a shorter sound is padded with silence at its end, and its length told', () => {
  const { values, length } = transformSound(ramp(60), plain(), key);
  assert.equal(length, 60);
  assert.deepEqual([values[0], values[59], values[60], values[99]], [1, 60, 0, 0]);
  assert.equal(transformSound(ramp(100), plain({ samples: 100 }), key).length, 100);
});

test('a random crop reaches every place evenly and stays inside', () => {
  const starts = Array.from({ length: 300 }, (_, i) => {
    const { values, length } = transformSound(ramp(1000), plain({ crop: 'random' }), fold(key, i));
    assert.ok(length === 100 && values[99] === values[0] + 99);
    return values[0];
  });
  assert.ok(Math.min(...starts) < 50 && Math.max(...starts) > 850 && Math.max(...starts) <= 901);
  assert.ok(Math.abs(starts.reduce((a, b) => a + b) / 300 - 451) < 60);
});

test('a shift moves by at most its share; silence or neighbours come in', () => {
  const moves = new Set<number>();
  for (let i = 0; i < 200; i++) {
    const { values, length } = transformSound(ramp(100), plain({ shift: 0.1 }), fold(key, i));
    const move = values.findIndex((value) => value > 0) + 1 - values[values.findIndex((value) => value > 0)];
    moves.add(move);
    assert.ok(Math.abs(move) <= 10);
    assert.equal(length, move < 0 ? 100 + move : 100);
  }
  assert.ok(moves.size > 15, `${moves.size} different moves`);
  const inner = transformSound(ramp(1000), plain({ shift: 0.5 }), key);
  assert.ok(
    inner.values.every((value, i) => value === inner.values[0] + i),
    'no silence inside a longer sound',
  );
});

test('gain changes the loudness within its decibels, both ways', () => {
  const factors = Array.from(
    { length: 200 },
    (_, i) => transformSound(ramp(100), plain({ gain: 6 }), fold(key, i)).values[99] / 100,
  );
  const most = 10 ** (6 / 20);
  assert.ok(factors.every((factor) => factor > 0.999 / most && factor < 1.001 * most));
  assert.ok(Math.min(...factors) < 0.6 && Math.max(...factors) > 1.7);
});

test('rate, channels, mean and deviation', () => {
  const stereo = tone(16000, 3200, 200, 2);
  const options = plain({ samples: 1600, channels: 2, mean: [0.5, 0], std: [2, 0.5] });
  const { values, length } = transformSound(stereo, options, key);
  const expected = resampleSound(stereo, 8000).samples;
  assert.equal(length, 1600);
  assert.ok(values.every((value, i) => Math.abs(value - (i % 2 ? 2 * expected[i] : (expected[i] - 0.5) / 2)) < 1e-5));
  const mono = transformSound(stereo, plain({ samples: 1600 }), key).values;
  assert.ok(mono.every((value, i) => Math.abs(value - (expected[2 * i] + expected[2 * i + 1]) / 2) < 1e-5));
  assert.throws(() => transformSound(stereo, plain({ channels: 3 }), key), HiperceiverError);
});

test('statistics normalise real speech', () => {
  const sounds = DIGITS.map(decodeWav);
  const { mean, std } = soundStatistics(sounds);
  let [sum, squares, count] = [0, 0, 0];
  for (const sound of sounds) {
    const { values } = transformSound(sound, plain({ samples: sound.samples.length, mean, std }), key);
    for (const value of values) [sum, squares, count] = [sum + value, squares + value * value, count + 1];
  }
  assert.ok(Math.abs(sum / count) < 1e-4 && Math.abs(squares / count - 1) < 1e-4);
  const silence: Sound = { rate: 8000, channels: 2, samples: new Float32Array(20) };
  assert.deepEqual(soundStatistics([silence]), { mean: [0, 0], std: [1, 1] });
  assert.throws(() => soundStatistics([]), /no sample/);
  assert.throws(() => soundStatistics([silence, ramp(3)]), /2 channels and another 1/);
});

test('silence gives zeros; samples that are no numbers are refused, whatever is shown', () => {
  const silence: Sound = { rate: 11025, channels: 1, samples: new Float32Array(500) };
  const { values } = transformSound(silence, plain({ gain: 6, shift: 0.2, crop: 'random', std: [0.1] }), key);
  assert.ok(values.every((value) => value === 0));
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, -3e38]) {
    const sound = ramp(1000);
    sound.samples[999] = bad;
    assert.throws(() => transformSound(sound, plain({ crop: 'start' }), key), /^Error: sample 999 of the sound is/);
  }
  assert.throws(() => transformSound(ramp(0), plain(), key), /sound is empty/);
});

test('damaged files of floats give finite inputs or a short reason', () => {
  const digit = decodeWav(DIGITS[0]);
  const file = wav({ bits: 32, tag: 3, data: new Uint8Array(digit.samples.buffer) });
  let [shown, refused] = [0, 0];
  for (let i = 0; i < 200; i++) {
    const damaged = Buffer.from(file);
    // Every other file in its header too.
    for (const draw of uniform(keyFrom(i), 3))
      damaged[(i % 2 ? 16 : 44) + Math.floor(draw * (i % 2 ? 30 : file.length - 44))] ^= 1 << (i & 7);
    try {
      const options = plain({ samples: 4000, crop: 'random', shift: 0.2, gain: 12, std: [0.01] });
      const { values, length } = transformSound(decodeWav(damaged), options, fold(key, i));
      assert.ok(values.length === 4000 && length > 0 && values.every(Number.isFinite));
      shown++;
    } catch (error) {
      assert.ok(error instanceof Error && !(error instanceof assert.AssertionError), String(error));
      assert.ok(error.message.length < 200 && !error.message.includes('\n'));
      refused++;
    }
  }
  assert.ok(shown > 50 && refused > 20, `${shown} shown, ${refused} refused`);
});

test('options that make no sense are named', () => {
  const refused = (more: object, pattern: RegExp) =>
    assert.throws(
      () => checkSoundOptions({ ...plain(), ...more }),
      (error: unknown) => error instanceof HiperceiverError && pattern.test(error.message),
    );
  checkSoundOptions(plain({ crop: 'random', shift: 0.1, gain: 6, mean: [0], std: [1] }));
  refused({ rate: 0 }, /rate is 0/);
  refused({ samples: 1.5 }, /samples is 1\.5/);
  refused({ samples: 2 ** 30 }, /at most 2\^28/);
  refused({ channels: 0 }, /channels is 0/);
  refused({ crop: 'middle' }, /crop is "middle"/);
  refused({ shift: 1 }, /shift is 1/);
  refused({ gain: -3 }, /gain is -3/);
  refused({ gain: Number.NaN }, /gain is NaN/);
  refused({ std: [0] }, /std is \[0\]/);
  refused({ mean: [1, 2] }, /mean has 2 numbers for 1 channels/);
});
