/** Video: frames by their time, windows, turned pictures, sound of the same time, in every container. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { type ClipRequest, decodeClip, decodeSoundTrack, mediaHeader } from '../../../src/data/media/index.js';
import { needsShared } from '../fixtures.js';
import {
  clipFile,
  encodeTrack,
  greyClip,
  greyOf,
  HEIGHT,
  strength,
  timeOf,
  tone,
  turned,
  VIDEO_TYPES,
  variableVideo,
  WIDTH,
} from './fixtures.js';

const WHOLE: ClipRequest = { start: 0, frames: 10, frameRate: 10, size: [HEIGHT, WIDTH] };

/** Which stored frames a request shows. */
async function shown(file: Uint8Array, request: Partial<ClipRequest>): Promise<number[]> {
  const { clip } = await decodeClip(file, () => ({ ...WHOLE, ...request }));
  const bytes = clip.height * clip.width * 3;
  return Array.from({ length: clip.frames.length / bytes }, (_, i) =>
    timeOf(clip.frames.subarray(i * bytes, (i + 1) * bytes), clip.height, clip.width),
  );
}

test('every container tells its header and gives its frames and sound back', async () => {
  const sound = tone(1, 16000, 1, 0.5);
  for (const type of VIDEO_TYPES) {
    const file = await clipFile(type, greyClip(10), { frameRate: 10, sound });
    const header = await mediaHeader(file);
    assert.deepEqual([header.height, header.width, header.rotation], [HEIGHT, WIDTH, undefined], type);
    assert.ok(Math.abs(header.frameRate - 10) < 0.2, `${type}: ${header.frameRate} frames per second`);
    assert.ok(header.duration > 0.9 && header.duration < 1.3, `${type}: ${header.duration} seconds`);
    const { clip, sound: heard } = await decodeClip(file, () => ({ ...WHOLE, soundSeconds: 1 }));
    assert.equal(clip.frames.length, 10 * HEIGHT * WIDTH * 3, type);
    clip.times.forEach((time, i) => assert.ok(Math.abs(time - i / 10) < 0.02, `${type}: frame ${i} at ${time}`));
    for (let i = 0; i < 10; i++) {
      const at = ((i + 1) * HEIGHT * WIDTH - 1) * 3;
      for (let c = 0; c < 3; c++) {
        assert.ok(Math.abs(clip.frames[at + c] - greyOf(i)) < 6, `${type}: frame ${i} is ${clip.frames[at + c]}`);
      }
    }
    assert.ok(heard && heard.rate === header.soundRate, type);
    const half = Math.round(heard.rate / 2);
    const gap = Math.round(heard.rate / 20);
    assert.ok(strength({ ...heard, samples: heard.samples.slice(0, half - gap) }, 440) < 0.02, `${type}: silent first`);
    const loud = strength({ ...heard, samples: heard.samples.slice(half + gap, 2 * half - 2 * gap) }, 440);
    assert.ok(Math.abs(loud - 0.5) < 0.05, `${type}: then a tone of ${loud}`);
  }
});

test('frames are those nearest in time, whatever is stored', async () => {
  const file = await clipFile('mp4', greyClip(20), { frameRate: 10 });
  assert.deepEqual(await shown(file, { frames: 4, frameRate: 2 }), [0, 5, 10, 15]);
  assert.deepEqual(await shown(file, { frames: 6, frameRate: 30, start: 1 }), [10, 10, 11, 11, 11, 12]);
  assert.deepEqual(await shown(file, { frames: 3, frameRate: 10, start: 0.54 }), [5, 6, 7]);
  assert.deepEqual(await shown(file, { frames: 4, frameRate: 10, start: 1.8 }), [18, 19, 19, 19], 'last one repeated');
  assert.deepEqual(await shown(file, { frames: 2, start: 900 }), [19, 19], 'beyond the end');
});

test('variable frame rates are followed', async () => {
  // Ten frames per second, then a second without any, then twenty-five.
  const times = [0, 100, 200, 300, 400, 1400, 1440, 1480, 1520, 1560, 1600];
  const file = await variableVideo(times);
  assert.deepEqual(await shown(file, { frames: 9, frameRate: 5 }), [0, 2, 4, 4, 4, 5, 5, 5, 10]);
  assert.deepEqual(await shown(file, { frames: 3, frameRate: 25, start: 1.44 }), [6, 7, 8]);
  assert.ok(Math.abs((await mediaHeader(file)).duration - 1.6) < 0.1);
});

test('a late clip is sought for from the key frame before it, and is the same', async () => {
  const times = Array.from({ length: 20 }, (_, i) => i * 500);
  const sparse = await variableVideo(times);
  const dense = await variableVideo(times, 4);
  for (const start of [0, 1.6, 3, 5.2, 8.9]) {
    const request = { frames: 4, frameRate: 2, start };
    const expected = [0, 1, 2, 3].map((i) => Math.min(19, Math.max(0, Math.ceil(2 * start + i - 0.5))));
    assert.deepEqual(await shown(sparse, request), expected, `from ${start}`);
    assert.deepEqual(await shown(dense, request), expected, `from ${start}, more key frames`);
  }
});

test('windows are cut and scaled as for images', async () => {
  const file = await clipFile('mp4', greyClip(2), { frameRate: 10 });
  const picture = async (window: ClipRequest['window'], size: ClipRequest['size']) =>
    (await decodeClip(file, () => ({ ...WHOLE, frames: 1, window, size }))).clip.frames;
  const square = await picture({ top: 2, left: 2, height: 12, width: 12 }, [6, 6]);
  assert.ok(
    square.every((value) => Math.abs(value - 16) < 8),
    'inside the dark square',
  );
  const rest = await picture({ top: 20, left: 20, height: 20, width: 40 }, [32, 32]);
  assert.ok(
    rest.every((value) => Math.abs(value - greyOf(0)) < 6),
    'beside it, enlarged',
  );
  const corner = await picture({ top: 8, left: 0, height: 16, width: 32 }, [16, 32]);
  assert.ok(Math.abs(corner[0] - 16) < 10 && Math.abs(corner[(15 * 32 + 31) * 3] - greyOf(0)) < 6);
});

test('turned and mirrored pictures are shown as they are seen', async () => {
  const file = await clipFile('mp4', greyClip(2), { frameRate: 10 });
  /** Display matrix, rotation that the header tells, and the corner that the stored top left goes to: [bottom, right]. */
  const cases = [
    { matrix: [1, 0, 0, 1], rotation: undefined, corner: [false, false] },
    { matrix: [0, 1, -1, 0], rotation: 90, corner: [false, true] },
    { matrix: [-1, 0, 0, -1], rotation: 180, corner: [true, true] },
    { matrix: [0, -1, 1, 0], rotation: 270, corner: [true, false] },
    { matrix: [-1, 0, 0, 1], rotation: 180, corner: [false, true] },
  ] as const;
  for (const { matrix, rotation, corner } of cases) {
    const bytes = turned(file, matrix);
    const header = await mediaHeader(bytes);
    const upright = rotation === undefined || rotation === 180;
    const size = upright ? [HEIGHT, WIDTH] : [WIDTH, HEIGHT];
    assert.deepEqual([header.height, header.width, header.rotation], [...size, rotation], `${matrix}`);
    const { clip } = await decodeClip(bytes, ({ height, width }) => ({ ...WHOLE, frames: 1, size: [height, width] }));
    // The same square through a window on its corner alone.
    const window = { top: corner[0] ? size[0] - 14 : 2, left: corner[1] ? size[1] - 14 : 2, height: 12, width: 12 };
    const cut = (await decodeClip(bytes, () => ({ ...WHOLE, frames: 1, window, size: [4, 4] }))).clip.frames;
    assert.ok(
      cut.every((value) => Math.abs(value - 16) < 8),
      `${matrix}: window at ${window.top}, ${window.left}`,
    );
    for (const bottom of [false, true]) {
      for (const right of [false, true]) {
        const at = ((bottom ? size[0] - 5 : 4) * size[1] + (right ? size[1] - 5 : 4)) * 3;
        const isSquare = bottom === corner[0] && right === corner[1];
        assert.ok(Math.abs(clip.frames[at] - (isSquare ? 16 : greyOf(0))) < 10, `${matrix}: ${bottom} ${right}`);
      }
    }
  }
});

test('colours come back, each in its place', async () => {
  const colours = [
    [200, 40, 40],
    [40, 200, 40],
    [40, 40, 200],
  ];
  const frames = new Uint8Array(colours.flatMap((colour) => Array.from({ length: 32 * 32 }, () => colour).flat()));
  for (const type of VIDEO_TYPES) {
    const file = await clipFile(type, { height: 32, width: 32, frames }, { frameRate: 5 });
    const { clip } = await decodeClip(file, () => ({ ...WHOLE, frames: 3, frameRate: 5, size: [8, 8] }));
    colours.forEach((colour, t) =>
      colour.forEach((value, c) => {
        const seen = clip.frames[(t * 64 + 27) * 3 + c];
        assert.ok(Math.abs(seen - value) < 12, `${type}: frame ${t} channel ${c} is ${seen}, not ${value}`);
      }),
    );
  }
});

test('sound is that of the same time, and none where there is none', async () => {
  const file = await clipFile('mp4', greyClip(30), { frameRate: 10, sound: tone(2, 8000) });
  const whole = await decodeSoundTrack(file);
  const piece = async (start: number, soundSeconds: number) =>
    (await decodeClip(file, () => ({ ...WHOLE, start, soundSeconds }))).sound;
  const sound = await piece(0.5, 0.25);
  assert.deepEqual([sound?.rate, sound?.channels, sound?.samples.length], [8000, 1, 2000]);
  sound?.samples.forEach((value, i) => assert.ok(Math.abs(value - whole.samples[4000 + i]) < 1e-6, `sample ${i}`));
  const late = await piece(1.75, 1);
  assert.ok(late && late.samples.length < 0.5 * 8000, 'ends with the track');
  assert.equal(await piece(2.7, 0.2), undefined, 'after the end of the sound');
  const silent = await clipFile('mp4', greyClip(5), { frameRate: 10 });
  assert.equal((await decodeClip(silent, () => ({ ...WHOLE, soundSeconds: 1 }))).sound, undefined);
});

test('odd sizes, one frame and pixels that are not square', async () => {
  const odd = await clipFile('mp4', greyClip(1, 31, 45), { frameRate: 10 });
  assert.deepEqual(await shown(odd, { frames: 2, size: [31, 45] }), [0, 0]);
  const wide = await encodeTrack(
    'matroska',
    (library) => ({
      kind: 'video',
      encoders: ['ffv1'],
      options: {},
      tick: { num: 1, den: 10 },
      configure: (codec) => {
        codec.height = 32;
        codec.width = 32;
        codec.pixelFormat = library.AV_PIX_FMT_YUV420P;
        codec.sampleAspectRatio = new library.Rational(2, 1);
      },
      filters: (source, sink) => `${source}=width=32:height=32:pix_fmt=yuv420p:time_base=1/10,null,${sink}`,
    }),
    function* (library) {
      const pixels = { width: 32, height: 32, format: library.AV_PIX_FMT_YUV420P, pts: 0n };
      yield library.Frame.fromVideoBuffer(Buffer.alloc(32 * 48, 100), pixels);
    },
  );
  const header = await mediaHeader(wide);
  assert.deepEqual([header.height, header.width], [32, 64]);
});

test('no pictures, no sense', async () => {
  const file = await clipFile('mp4', greyClip(2), { frameRate: 10 });
  const cover = await import('./fixtures.js').then(({ soundFile }) =>
    soundFile('mp3', 'libmp3lame', 'fltp', tone(0.2, 16000)),
  );
  await assert.rejects(
    decodeClip(cover, () => WHOLE),
    /^Error: has no pictures$/,
  );
  await assert.rejects(
    decodeClip(file, () => ({ ...WHOLE, frames: 0 })),
    /clip of 0 frames/,
  );
  await assert.rejects(
    decodeClip(file, () => ({ ...WHOLE, frames: 2 ** 20, size: [512, 512] })),
    /fit into 2 GiB/,
  );
  await assert.rejects(
    decodeClip(file, () => ({ ...WHOLE, frameRate: 0 })),
    /frameRate is 0/,
  );
  await assert.rejects(
    decodeClip(file, () => ({ ...WHOLE, start: -1 })),
    /second -1/,
  );
});

test('real clips of talking faces and of scenes', async (context) => {
  const faces = needsShared('grid/train/s1', context);
  if (!faces) return;
  for (const name of (await readdir(faces)).slice(0, 4)) {
    const file = await readFile(join(faces, name));
    const header = await mediaHeader(file);
    assert.deepEqual([header.height, header.width, header.frameRate, header.soundRate], [144, 180, 25, 16000]);
    const { clip, sound } = await decodeClip(file, () => ({ ...WHOLE, start: 1, size: [72, 90], soundSeconds: 1 }));
    clip.times.forEach((time, i) => assert.ok(Math.abs(time - 1 - i / 10) <= 0.021, `${name}: ${time}`));
    assert.equal(sound?.samples.length, 16000, name);
    const blue = clip.frames.filter((_, i) => i % 3 === 2).reduce((a, b) => a + b, 0) / (clip.frames.length / 3);
    const red = clip.frames.filter((_, i) => i % 3 === 0).reduce((a, b) => a + b, 0) / (clip.frames.length / 3);
    assert.ok(blue > red + 30, `${name}: the wall behind the talker is blue`);
  }
  const scenes = needsShared('intel-clips/test', context);
  for (const name of (await readdir(scenes, { recursive: true })).filter((file) => file.endsWith('.mp4'))) {
    const { clip, sound } = await decodeClip(await readFile(join(scenes, name)), () => ({ ...WHOLE, soundSeconds: 1 }));
    assert.equal(clip.times.length, 10, name);
    assert.equal(sound, undefined, name);
  }
});
