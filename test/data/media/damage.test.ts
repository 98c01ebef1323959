/** Damaged and lying files: they decode as far as they are whole, or say shortly why not; nothing hangs or grows. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { decodeClip, decodeSoundTrack, mediaHeader } from '../../../src/data/media/index.js';
import { HiperceiverError } from '../../../src/errors/index.js';
import { keyFrom, uniform } from '../../../src/random/index.js';
import { sharedData } from '../fixtures.js';
import { clipFile, findBox, greyClip, soundFile, tone, VIDEO_TYPES } from './fixtures.js';

/** Whether it decodes; anything but a short reason fails the test. */
async function survives(bytes: Uint8Array, name: string): Promise<boolean> {
  const attempts = [
    () => decodeClip(bytes, () => ({ start: 0.2, frames: 4, frameRate: 8, size: [16, 16], soundSeconds: 0.5 })),
    () => decodeSoundTrack(bytes),
  ];
  let good = false;
  for (const attempt of attempts) {
    const began = performance.now();
    try {
      await attempt();
      good = true;
    } catch (error) {
      assert.ok(error instanceof Error && !(error instanceof HiperceiverError), `${name}: ${error}`);
      assert.ok(error.message.length < 120 && !error.message.includes('\n'), `${name}: ${error.message}`);
    }
    assert.ok(performance.now() - began < 3000, `${name} takes ${performance.now() - began} ms`);
  }
  return good;
}

async function files(): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  const options = { frameRate: 10, sound: tone(0.6, 16000) };
  for (const type of VIDEO_TYPES) found.set(type, await clipFile(type, greyClip(6), options));
  found.set('mp3', await soundFile('mp3', 'libmp3lame', 'fltp', tone(0.3, 22050)));
  found.set('flac', await soundFile('flac', 'flac', 's16', tone(0.3, 16000)));
  found.set('ogg', await soundFile('ogg', 'libvorbis', 'fltp', tone(0.3, 22050)));
  found.set('m4a', await soundFile('ipod', 'aac', 'fltp', tone(0.3, 22050)));
  const faces = sharedData('grid/test/s1');
  if (faces) found.set('grid', await readFile(join(faces, (await readdir(faces))[0])));
  return found;
}

test('files cut at any place', async () => {
  for (const [name, bytes] of await files()) {
    const places = [...uniform(keyFrom(1), 6)].map((x) => Math.floor(x * bytes.length));
    for (const end of [1, 7, 8, 40, ...places, bytes.length - 1]) {
      await survives(bytes.subarray(0, end), `${name} cut at ${end} of ${bytes.length}`);
    }
    assert.ok(await survives(bytes, name), `${name} is whole`);
  }
});

test('files with flipped bytes', async () => {
  for (const [name, bytes] of await files()) {
    for (let round = 0; round < 8; round++) {
      const draws = uniform(keyFrom(100 + round), 24);
      const damaged = Uint8Array.from(bytes);
      // Half of the rounds in the header, where numbers lie.
      const span = round % 2 === 0 ? Math.min(800, bytes.length) : bytes.length;
      for (let i = 0; i < draws.length; i += 2) damaged[Math.floor(draws[i] * span)] = Math.floor(draws[i + 1] * 256);
      await survives(damaged, `${name} flipped in round ${round}`);
    }
  }
});

test('an MP4 without its index says so; one cut after its index gives what is there', async () => {
  const mp4 = await clipFile('mp4', greyClip(20), { frameRate: 10 });
  const index = findBox(mp4, 'moov');
  await assert.rejects(mediaHeader(mp4.subarray(0, index)), /its index \(moov\) is missing/);
  const late = Buffer.concat([mp4.subarray(0, index), mp4.subarray(findBox(mp4, 'mdat'))]);
  await assert.rejects(mediaHeader(late.subarray(0, late.length - 20)), /cut short: its index \(moov\) is missing/);
  const most = mp4.subarray(0, mp4.length - Math.round((mp4.length - findBox(mp4, 'mdat')) / 6));
  const { clip } = await decodeClip(most, () => ({ start: 1.5, frames: 2, frameRate: 10, size: [8, 8] }));
  assert.deepEqual(clip.times[0], clip.times[1], 'the last frame that can be decoded');
  assert.ok(clip.times[0] < 1.5 && clip.times[0] > 0);
});

test('headers that lie are refused before memory is touched', async () => {
  const before = process.memoryUsage().rss;
  const y4m = Buffer.from(`YUV4MPEG2 W65535 H65535 F25:1 C420\nFRAME\n${'x'.repeat(1000)}`);
  const gif = Buffer.concat([
    Buffer.from('GIF89a'),
    Buffer.from([255, 255, 255, 255, 0, 0, 0]),
    Buffer.alloc(1000, 0x2c),
  ]);
  for (const bytes of [y4m, gif]) await assert.rejects(mediaHeader(bytes), /too large|cannot be|no size/);
  const mp4 = await clipFile('mp4', greyClip(4), { frameRate: 10, sound: tone(0.4, 16000) });
  for (const [box, offset, reason] of [
    ['stsz', 16, /more samples than the file holds/],
    ['stts', 16, /more samples than the file holds/],
  ] as const) {
    const lying = Uint8Array.from(mp4);
    new DataView(lying.buffer).setUint32(findBox(lying, box) + offset, 0x7fffffff);
    await assert.rejects(mediaHeader(lying), reason, box);
  }
  const wide = Uint8Array.from(mp4);
  new DataView(wide.buffer).setUint32(findBox(wide, 'avc1') + 32, 0xfffffff0);
  await survives(wide, 'an MP4 of 65535 x 65520 pixels');
  const long = Uint8Array.from(mp4);
  for (const box of ['mvhd', 'mdhd', 'tkhd']) {
    new DataView(long.buffer).setUint32(findBox(long, box) + (box === 'tkhd' ? 28 : 24), 0xfffffff0);
  }
  await survives(long, 'an MP4 of years');
  assert.ok(process.memoryUsage().rss - before < 400e6, `grew by ${process.memoryUsage().rss - before} bytes`);
});

test('a stream without a stated length is counted', async () => {
  const whole = await clipFile('webm', greyClip(10), { frameRate: 10 });
  // The element Duration (0x4489) becomes an unknown one of the same size, as in what browsers record.
  const recorded = Buffer.from(whole);
  const at = recorded.indexOf(Buffer.from([0x44, 0x89, 0x88]));
  assert.ok(at > 0);
  recorded.set([0x44, 0x88], at);
  const header = await mediaHeader(recorded);
  assert.ok(Math.abs(header.duration - 1) < 0.11, `${header.duration} seconds`);
});
