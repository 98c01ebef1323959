/** WAV files as people have them: every linear encoding, headers that lie, damage at any byte. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeSound, decodeWav, formatWav } from '../../../src/data/audio/index.js';
import { keyFrom, uniform } from '../../../src/random/index.js';
import { chunk, DIGITS, integers, tone, wav } from './fixtures.js';

const shortReason = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Error);
  assert.match(error.message, pattern);
  assert.ok(error.message.length < 100 && !error.message.includes('\n'), error.message);
  return true;
};

test('integers of every width, both byte orders, keep their values', () => {
  for (const bytes of [1, 2, 3, 4]) {
    const full = 2 ** (8 * bytes - 1);
    const values = [0, 1, -1, full - 1, -full, Math.round(full / 3)];
    for (const big of [false, true]) {
      const { rate, channels, samples } = decodeWav(
        wav({ bits: 8 * bytes, channels: 2, big, rate: 11025, data: integers(values, bytes, big) }),
      );
      assert.deepEqual([rate, channels], [11025, 2]);
      assert.deepEqual([...samples], [...Float32Array.from(values, (value) => value / full)], `${bytes} bytes`);
    }
  }
});

test('floats of 32 and 64 bits, plain and extensible, are taken as they are', () => {
  const values = [0, 0.25, -1.5, 1e-7];
  for (const extensible of [false, true]) {
    const float = wav({ bits: 32, tag: 3, extensible, data: new Uint8Array(Float32Array.from(values).buffer) });
    const double = wav({ bits: 64, tag: 3, extensible, data: new Uint8Array(Float64Array.from(values).buffer) });
    for (const bytes of [float, double])
      assert.deepEqual([...decodeWav(bytes).samples], [...Float32Array.from(values)]);
  }
  const extensible = wav({ bits: 24, extensible: true, channels: 3, data: integers([1, 2, 3], 3) });
  assert.deepEqual(
    [...decodeWav(extensible).samples],
    [1, 2, 3].map((value) => value / 2 ** 23),
  );
});

test('bits that do not fill their bytes lie in the upper ones', () => {
  const data = integers([2 ** 30, -(2 ** 31)], 4);
  assert.deepEqual([...decodeWav(wav({ bits: 20, frameBytes: 4, data })).samples], [0.5, -1]);
  assert.deepEqual([...decodeWav(wav({ bits: 12, data: integers([2 ** 14], 2) })).samples], [0.5]);
});

test('other chunks, padded or not, stand in nobody’s way', () => {
  const data = integers([100, -100, 50], 2);
  const odd = Buffer.from('seven b');
  for (const pad of [true, false]) {
    const before = [chunk('LIST', odd, odd.length, false, pad), chunk('fact', Buffer.alloc(4))];
    const after = [chunk('id3 ', odd, odd.length, false, pad), chunk('PAD ', Buffer.alloc(200))];
    assert.equal(decodeWav(wav({ bits: 16, before, after, data })).samples.length, 3, `pad ${pad}`);
  }
  const seven = decodeWav(wav({ bits: 8, data: integers([1, 2, 3, 4, 5, 6, 7], 1), after: [chunk('LIST', odd)] }));
  assert.equal(seven.samples.length, 7);
});

test('a header that lies about the length gives the samples that are there', () => {
  const data = integers([1, 2, 3, 4, 5], 2);
  for (const statedLength of [0, 0xffffffff, 1000, 2 ** 31]) {
    const decoded = decodeWav(wav({ bits: 16, data, statedLength }));
    assert.deepEqual(
      [...decoded.samples],
      [1, 2, 3, 4, 5].map((value) => value / 2 ** 15),
      `${statedLength}`,
    );
  }
  assert.equal(decodeWav(wav({ bits: 16, data, statedLength: 6 })).samples.length, 3, 'a shorter length is believed');
  const half = wav({ bits: 16, channels: 2, data: integers([1, 2, 3, 4], 2) });
  assert.equal(decodeWav(half.subarray(0, half.length - 1)).samples.length, 2, 'the rest of a frame is cut');
});

test('the 64-bit form states its length in a chunk of its own', () => {
  const sizes = Buffer.alloc(28);
  sizes.writeBigUInt64LE(6n, 8);
  const plain = wav({
    bits: 16,
    data: integers([1, 2, 3], 2),
    statedLength: 0xffffffff,
    before: [chunk('ds64', sizes)],
    after: [chunk('LIST', Buffer.alloc(20))],
  });
  plain.write('RF64', 'latin1');
  assert.equal(decodeWav(plain).samples.length, 3);
});

test('what holds no sound says why in a few words', () => {
  const data = integers([1, 2], 2);
  const refuse = (bytes: Uint8Array, pattern: RegExp) => assert.throws(() => decodeWav(bytes), shortReason(pattern));
  refuse(Buffer.alloc(0), /not a wav file/);
  refuse(Buffer.from('RIFF----AVI '), /not a wav file/);
  refuse(wav({ bits: 16, data }).subarray(0, 12), /no format/);
  refuse(wav({ bits: 16, data }).subarray(0, 30), /format is cut short/);
  refuse(wav({ bits: 16, data }).subarray(0, 38), /no samples/);
  refuse(wav({ bits: 16, data: Buffer.alloc(0) }), /no samples/);
  refuse(wav({ bits: 16, data: Buffer.alloc(0), after: [chunk('LIST', Buffer.alloc(20))] }), /no samples/);
  refuse(wav({ bits: 16, channels: 2, data: Buffer.alloc(3) }), /no samples/);
  refuse(wav({ bits: 16, channels: 0, data }), /0 channels/);
  refuse(wav({ bits: 16, rate: 0, data }), /0 samples per second/);
  refuse(wav({ bits: 0, data }), /0 bits/);
  refuse(wav({ bits: 8, tag: 7, data }), /encoding 0x0007 with 8 bits/);
  refuse(wav({ bits: 48, data }), /48 bits/);
});

test('decodeSound takes WAV by its content, and refuses nothing at all', async () => {
  assert.equal((await decodeSound(DIGITS[0])).rate, 8000);
  await assert.rejects(decodeSound(new Uint8Array(0)), shortReason(/empty/));
  await assert.rejects(decodeSound(wav({ bits: 16, data: Buffer.alloc(0) })), shortReason(/no samples/));
});

test('a written file holds the samples to 16 bits, clipped', () => {
  const sound = tone(22050, 300, 440, 2);
  const read = decodeWav(formatWav(sound));
  assert.deepEqual([read.rate, read.channels, read.samples.length], [22050, 2, 600]);
  assert.ok(read.samples.every((value, i) => Math.abs(value - sound.samples[i]) <= 1.01 / 2 ** 15));
  const loud = decodeWav(formatWav({ rate: 8000, channels: 1, samples: Float32Array.of(2, -2, Number.NaN, 1) }));
  assert.deepEqual([...loud.samples], [32767 / 32768, -1, 0, 32767 / 32768]);
  for (const digit of DIGITS) assert.deepEqual(decodeWav(formatWav(decodeWav(digit))), decodeWav(digit));
});

test('real files cut anywhere or with flipped bits decode or give a short reason', () => {
  let [decoded, refused] = [0, 0];
  const attempt = (bytes: Uint8Array, what: string) => {
    try {
      const { samples, channels } = decodeWav(bytes);
      assert.ok(samples.length > 0 && samples.length % channels === 0 && samples.length <= bytes.length, what);
      decoded++;
    } catch (error) {
      shortReason(/./)(error);
      refused++;
    }
  };
  for (const digit of DIGITS) {
    for (let end = 0; end < 80; end++) attempt(digit.subarray(0, end), `cut at ${end}`);
    for (let i = 0; i < 20; i++) attempt(digit.subarray(0, Math.floor((digit.length * i) / 20)), `cut at ${i}/20`);
    // Every bit of the header, and a few of them at once.
    for (let bit = 0; bit < 44 * 8; bit++) {
      const damaged = Buffer.from(digit);
      damaged[bit >> 3] ^= 1 << (bit & 7);
      attempt(damaged, `bit ${bit}`);
    }
    for (let i = 0; i < 300; i++) {
      const damaged = Buffer.from(digit);
      for (const draw of uniform(keyFrom(i), 6)) damaged[Math.floor(draw * 60)] = (draw * 2 ** 24) & 255;
      attempt(damaged, `seed ${i}`);
    }
  }
  assert.ok(decoded > 200 && refused > 200, `${decoded} decoded, ${refused} refused`);
});
