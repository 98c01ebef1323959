/** Clips written for people: what is wrong is said, what is right can be read again. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import sharp from 'sharp';
import { decodeSoundTrack, mediaHeader } from '../../../src/data/media/index.js';
import { formatAnimation, writeClip } from '../../../src/data/video/index.js';
import { folderOf } from '../fixtures.js';
import { findBox, greyClip, HEIGHT, strength, tone, WIDTH } from '../media/fixtures.js';

test('an MP4 is H.264 and AAC with its index first, and appears whole', async () => {
  const folder = await folderOf({});
  await writeClip(join(folder, 'clip.mp4'), greyClip(12), { frameRate: 12.5, sound: tone(0.96, 44100, 2) });
  assert.deepEqual(await readdir(folder), ['clip.mp4']);
  const bytes = await readFile(join(folder, 'clip.mp4'));
  assert.ok(findBox(bytes, 'moov') < findBox(bytes, 'mdat'));
  assert.ok(findBox(bytes, 'avc1') > 0 && findBox(bytes, 'mp4a') > 0);
  const header = await mediaHeader(bytes);
  assert.deepEqual(header, {
    duration: 0.96,
    frameRate: 12.5,
    height: HEIGHT,
    width: WIDTH,
    soundRate: 44100,
    soundChannels: 2,
  });
});

test('a rate that a codec has not becomes the next higher one, and loud samples are clipped', async () => {
  const folder = await folderOf({});
  for (const [name, rate, stored] of [
    ['a.mp4', 10000, 11025],
    ['b.webm', 11025, 12000],
    ['c.avi', 10000, 10000],
    ['d.mp4', 192000, 96000],
  ] as const) {
    const sound = tone(1, rate, 1, 0, 0.5);
    sound.samples[100] = 90;
    await writeClip(join(folder, name), greyClip(10), { frameRate: 10, sound });
    const decoded = await decodeSoundTrack(await readFile(join(folder, name)));
    // WebM's Opus always decodes at 48 kHz.
    assert.equal(decoded.rate, name.endsWith('webm') ? 48000 : stored, name);
    const from = Math.round(0.3 * decoded.rate);
    const part = { ...decoded, samples: decoded.samples.slice(from, from + Math.round(decoded.rate / 2)) };
    assert.ok(Math.abs(strength(part, 440) - 0.5) < 0.03, `${name}: ${strength(part, 440)}`);
    assert.ok(
      decoded.samples.every((value) => Math.abs(value) < 1.5),
      name,
    );
  }
});

test('what cannot be written is said in one sentence, and leaves nothing behind', async () => {
  const folder = await folderOf({});
  const clip = greyClip(2);
  const fails = (
    path: string,
    what: typeof clip,
    frameRate: number,
    message: RegExp,
    sound?: ReturnType<typeof tone>,
  ) => assert.rejects(writeClip(join(folder, path), what, { frameRate, sound }), { name: 'HiperceiverError', message });
  await fails('clip.txt', clip, 10, /name it \.mp4, \.mov, \.mkv, \.webm, \.avi/);
  await fails('none/clip.mp4', clip, 10, /none.clip\.mp4".*no such file/);
  await fails('clip.mp4', { ...clip, height: 47 }, 10, /\[frames, height, width, 3\]/);
  await fails('clip.mp4', clip, 0, /frameRate is 0/);
  await fails('clip.mp4', clip, 10, /3 channels/, tone(0.1, 8000, 3));
  assert.deepEqual(await readdir(folder), []);
});

test('an animation is without loss and repeats', async () => {
  const clip = greyClip(5);
  const webp = await formatAnimation(clip, 8);
  const { pages, delay, loop, pageHeight } = await sharp(webp, { animated: true }).metadata();
  assert.deepEqual([pages, delay, loop, pageHeight], [5, [125, 125, 125, 125, 125], 0, HEIGHT]);
  const back = await sharp(webp, { animated: true }).removeAlpha().raw().toBuffer();
  assert.deepEqual(new Uint8Array(back), clip.frames);
  await assert.rejects(formatAnimation({ ...clip, width: 63 }, 8), { name: 'HiperceiverError' });
});
