/** Clips as model inputs: one view for all frames, sound of the same time, the same for the same key. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { decodeClip, decodeSoundTrack } from '../../../src/data/media/index.js';
import { type ClipOptions, checkClipOptions, drawStart, readClip } from '../../../src/data/video/index.js';
import { keyFrom } from '../../../src/random/index.js';
import { needsShared } from '../fixtures.js';
import { clipFile, greyClip, greyOf, HEIGHT, strength, tone, WIDTH } from '../media/fixtures.js';

const OPTIONS: ClipOptions = {
  frames: 4,
  frameRate: 5,
  imageSize: [HEIGHT, WIDTH],
  crop: 'none',
  flip: false,
  start: 'start',
  mean: [0],
  std: [1],
};
const VALUES = HEIGHT * WIDTH * 3;

/** The grey of frame `t`, 0 … 255, at its bottom right. */
function grey(video: Float32Array, t: number, values = VALUES): number {
  return 255 * video[(t + 1) * values - 1];
}

test('frames lie one after the other, normalised', async () => {
  const file = await clipFile('mp4', greyClip(10), { frameRate: 10 });
  const { video, audio } = await readClip(file, OPTIONS, keyFrom(1));
  assert.equal(video.length, 4 * VALUES);
  assert.equal(audio, undefined);
  for (let t = 0; t < 4; t++) assert.ok(Math.abs(grey(video, t) - greyOf(2 * t)) < 5, `frame ${t}`);
  const { video: normalised } = await readClip(file, { ...OPTIONS, mean: [0.5], std: [0.25] }, keyFrom(1));
  normalised.forEach((value, i) => assert.ok(Math.abs(value - (video[i] - 0.5) / 0.25) < 1e-5));
});

test('the start is at the start, in the middle or anywhere, and a short video repeats its last frame', async () => {
  const file = await clipFile('mp4', greyClip(20), { frameRate: 10 });
  const first = async (options: Partial<ClipOptions>, seed = 1) =>
    Math.round((grey((await readClip(file, { ...OPTIONS, ...options }, keyFrom(seed))).video, 0) - greyOf(0)) / 10);
  assert.equal(await first({}), 0);
  assert.equal(await first({ start: 'center' }), 6);
  const starts = new Set<number>();
  for (let seed = 0; seed < 20; seed++) starts.add(await first({ start: 'random' }, seed));
  assert.ok(starts.size > 5 && Math.max(...starts) <= 12, `starts at ${[...starts]}`);
  const { video } = await readClip(file, { ...OPTIONS, frames: 15, start: 'random' }, keyFrom(1));
  for (let t = 10; t < 15; t++) assert.ok(Math.abs(grey(video, t) - greyOf(19)) < 5, `frame ${t} is the last one`);
  assert.equal(drawStart(keyFrom(1), 2, { frames: 4, frameRate: 2, start: 'random' }), 0);
});

test('augmentation is a function of the key, and the same for all frames', async () => {
  const still = greyClip(8);
  for (let t = 1; t < 8; t++) still.frames.copyWithin(t * VALUES, 0, VALUES);
  const file = await clipFile('mp4', still, { frameRate: 10 });
  const options: ClipOptions = { ...OPTIONS, imageSize: [24, 24], flip: true };
  for (const crop of ['randomResized', 'random', 'center'] as const) {
    const draws = new Set<string>();
    for (let seed = 0; seed < 8; seed++) {
      const { video } = await readClip(file, { ...options, crop, padding: 6, start: 'random' }, keyFrom(seed));
      const again = await readClip(file, { ...options, crop, padding: 6, start: 'random' }, keyFrom(seed));
      assert.deepEqual(video, again.video);
      const values = video.length / 4;
      for (let i = 0; i < video.length; i++) assert.ok(Math.abs(video[i] - video[i % values]) < 0.05, `${crop} ${i}`);
      draws.add([...video.subarray(0, values)].map((value) => Math.round(32 * value)).join(''));
    }
    assert.ok(draws.size >= 2, `${crop} gives ${draws.size} views`);
  }
});

test('sound starts with the clip and is as long, or as long as asked for', async () => {
  const sound = tone(3, 16000, 2, 1.5);
  const file = await clipFile('mp4', greyClip(30), { frameRate: 10, sound });
  const read = (options: Partial<ClipOptions>) => readClip(file, { ...OPTIONS, ...options }, keyFrom(3));
  // The clip is the second from 1.1 to 1.9: silent until 1.5.
  const centre = { start: 'center' as const, sound: { rate: 8000, channels: 1 } };
  const { audio, audioLength } = await read(centre);
  assert.ok(audio);
  assert.equal(audio.length, 6400);
  assert.ok((audioLength ?? 0) >= 6399);
  const heard = { rate: 8000, channels: 1, samples: audio };
  assert.ok(strength({ ...heard, samples: audio.slice(0, 3000) }, 440) < 0.01);
  // Half of the first channel and a quarter of the second: their mean.
  assert.ok(Math.abs(strength({ ...heard, samples: audio.slice(3400, 6200) }, 440) - 0.375) < 0.03);
  const long = await read({ sound: { rate: 8000, channels: 2, samples: 32000 } });
  assert.equal(long.audio?.length, 64000);
  assert.ok((long.audioLength ?? 0) >= 23500 && (long.audioLength ?? 0) <= 24600, `${long.audioLength}`);
  assert.ok(
    long.audio?.subarray(2 * 24600).every((value) => value === 0),
    'silence after the end',
  );
  const scaled = await read({ start: 'center', sound: { rate: 8000, channels: 1, mean: [0.1], std: [0.5] } });
  scaled.audio?.forEach((value, i) => assert.ok(Math.abs(value - (audio[i] - 0.1) / 0.5) < 1e-5));
});

test('a video without sound has none, which is no error', async () => {
  const file = await clipFile('webm', greyClip(10), { frameRate: 10 });
  const { video, audio } = await readClip(file, { ...OPTIONS, sound: { rate: 8000, channels: 1 } }, keyFrom(1));
  assert.equal(video.length, 4 * VALUES);
  assert.equal(audio, undefined);
});

test('options that make no sense are named', () => {
  const cases: [Partial<ClipOptions>, RegExp][] = [
    [{ frames: 0 }, /^frames is 0/],
    [{ frames: 2 ** 20 }, /^frames is 1048576/],
    [{ frameRate: Number.NaN }, /^frameRate is NaN/],
    [{ start: 'end' as never }, /^start is "end"/],
    [{ imageSize: [0, 4] }, /^imageSize/],
    [{ std: [0] }, /^std/],
    [{ sound: { rate: 0, channels: 1 } }, /^rate is 0/],
    [{ sound: { rate: 8000, channels: 0 } }, /channels is 0/],
    [{ sound: { rate: 8000, channels: 1, samples: -1 } }, /^samples is -1/],
  ];
  for (const [options, message] of cases) {
    assert.throws(() => checkClipOptions({ ...OPTIONS, ...options }), { name: 'HiperceiverError', message });
  }
  checkClipOptions({ ...OPTIONS, sound: { rate: 16000, channels: 1 } });
});

test('talking faces: pictures and sound of the same moment', async (context) => {
  const faces = needsShared('grid/train/s1', context);
  if (!faces) return;
  const file = await readFile(join(faces, (await readdir(faces))[0]));
  const options: ClipOptions = {
    ...OPTIONS,
    frames: 8,
    frameRate: 8,
    imageSize: [64, 64],
    start: 'random',
    crop: 'center',
    sound: { rate: 16000, channels: 1 },
  };
  const whole = await decodeSoundTrack(file);
  for (let seed = 0; seed < 3; seed++) {
    const start = drawStart(keyFrom(seed), 3, options);
    const { video, audio } = await readClip(file, options, keyFrom(seed));
    assert.ok(audio && audio.length === 16000);
    const offset = Math.round(start * 16000);
    for (let i = 0; i < 16000; i++) assert.ok(Math.abs(audio[i] - (whole.samples[offset + i] ?? 0)) < 1e-6);
    const window = { top: 0, left: 18, height: 144, width: 144 };
    const request = { start, frames: 8, frameRate: 8, size: [64, 64] as const, window };
    const { clip } = await decodeClip(file, () => request);
    video.forEach((value, i) => assert.ok(Math.abs(value - clip.frames[i] / 255) < 1e-6));
  }
});
