/** Sound files that are not plain WAV, by content: they go through the optional decoder. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { decodeSound, decodeWav, resampleSound } from '../../../src/data/audio/index.js';
import { keyFrom, uniform } from '../../../src/random/index.js';
import { needsShared } from '../fixtures.js';
import { chunk, DIGITS, integers, wav } from './fixtures.js';

async function needsDecoder(context: TestContext): Promise<boolean> {
  const found = await import('node-av').then(
    () => true,
    () => false,
  );
  if (!found) context.skip('node-av is not installed');
  return found;
}

const digit = decodeWav(DIGITS[1]);
const whole = Array.from(digit.samples, (value) => value * 2 ** 15);

/** An AIFF file of 16-bit samples: big-endian, its rate an 80-bit float. */
function aiff(values: readonly number[], rate: number): Buffer {
  const common = Buffer.alloc(18);
  common.writeUInt16BE(1, 0);
  common.writeUInt32BE(values.length, 2);
  common.writeUInt16BE(16, 6);
  const exponent = Math.floor(Math.log2(rate));
  common.writeUInt16BE(16383 + exponent, 8);
  common.writeUInt32BE(rate * 2 ** (31 - exponent), 10);
  const body = Buffer.concat([
    Buffer.from('AIFF'),
    chunk('COMM', common, 18, true),
    chunk('SSND', Buffer.concat([Buffer.alloc(8), integers(values, 2, true)]), 8 + 2 * values.length, true),
  ]);
  return Buffer.concat([chunk('FORM', Buffer.alloc(0), body.length, true), body]);
}

/** One sample as 8 bits of mu-law (ITU-T G.711). */
function muLaw(value: number): number {
  const size = Math.min(32635, Math.abs(value)) + 132;
  const exponent = Math.floor(Math.log2(size)) - 7;
  return ~((value < 0 ? 128 : 0) | (exponent << 4) | ((size >> (exponent + 3)) & 15)) & 255;
}

test('AIFF and compressed WAV are decoded by what they hold', async (context) => {
  if (!(await needsDecoder(context))) return;
  const plain = await decodeSound(aiff(whole, 8000));
  assert.deepEqual(plain, digit);
  const compressed = await decodeSound(wav({ bits: 8, tag: 7, data: Uint8Array.from(whole, muLaw) }));
  assert.deepEqual([compressed.rate, compressed.channels, compressed.samples.length], [8000, 1, whole.length]);
  assert.ok(compressed.samples.every((value, i) => Math.abs(value - digit.samples[i]) < 0.002));
});

test('no sound, and damaged sound, say so', async (context) => {
  if (!(await needsDecoder(context))) return;
  const file = aiff(whole, 8000);
  for (let i = 0; i < 40; i++) {
    const damaged = Buffer.from(file.subarray(0, i % 2 ? file.length : Math.floor((i / 40) * file.length)));
    if (i % 2) for (const draw of uniform(keyFrom(i), 4)) damaged[Math.floor(draw * 60)] ^= 1 << (i & 7);
    try {
      assert.ok((await decodeSound(damaged)).samples.length > 0);
    } catch (error) {
      assert.ok(error instanceof Error && !(error instanceof assert.AssertionError), String(error));
      assert.ok(error.message.length < 200 && !error.message.includes('\n'), error.message);
    }
  }
  await assert.rejects(decodeSound(Buffer.from('this is no sound at all, only text')), Error);
});

test('public recordings keep their energy through rate conversion', async (context) => {
  const folder = needsShared('esc10/audio', context);
  if (folder === undefined) return;
  const sound = await decodeSound(await readFile(join(folder, '2-132157-A-11.wav')));
  assert.deepEqual([sound.rate, sound.channels, sound.samples.length], [8000, 1, 40000]);
  const there = resampleSound(resampleSound(sound, 22050), 8000);
  const energy = (samples: Float32Array) => samples.reduce((sum, value) => sum + value * value, 0);
  const difference = sound.samples.map((value, i) => value - there.samples[i]);
  assert.equal(there.samples.length, 40000);
  // What is lost lies in the last sixth below the Nyquist frequency.
  assert.ok(energy(difference) < 0.02 * energy(sound.samples));
});
