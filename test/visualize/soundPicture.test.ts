/** Pictures of sound: size, what is shaded, silence and bad samples. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import type { Sound } from '../../src/data/audio/index.js';
import { soundPicture } from '../../src/visualize/soundPicture.js';
import { tone } from '../data/audio/fixtures.js';

const clean = /="[^"]*(NaN|Infinity|undefined)/;

test('a row for each sound, and the size of the figure in the PNG', async () => {
  const sound = tone(8000, 4000, 440);
  const one = soundPicture([{ title: 'one', sound }]);
  const two = soundPicture([
    { title: 'one', sound },
    { title: 'stereo', sound: tone(16000, 16000, 300, 2) },
  ]);
  assert.ok(two.height - one.height > 150);
  for (const figure of [one, two]) assert.doesNotMatch(figure.toSvg(), clean);
  const { width, height } = await sharp(await two.toPng(1)).metadata();
  assert.deepEqual([width, height], [two.width, Math.round(two.height)]);
  assert.equal([...two.toSvg().matchAll(/<image /g)].length, 3, 'two spectrograms and the colour bar');
});

test('the spectrogram is bright at the tone’s frequency and dark elsewhere', async () => {
  const svg = soundPicture([{ title: 'tone', sound: tone(8000, 8000, 1000) }]).toSvg();
  const uri = /href="data:image\/png;base64,([^"]+)"/.exec(svg)![1];
  const { data, info } = await sharp(Buffer.from(uri, 'base64')).raw().toBuffer({ resolveWithObject: true });
  const brightness = (bin: number): number => {
    const at = 3 * ((info.height - 1 - bin) * info.width + (info.width >> 1));
    return data[at] + data[at + 1] + data[at + 2];
  };
  assert.equal(info.height, 129);
  assert.ok(brightness(32) > brightness(64) + 200 && brightness(32) > brightness(10) + 200);
});

test('hidden stretches are shaded in one path: joined, cut to the sound', () => {
  const sound = tone(8000, 8000, 440);
  const shades = (hidden?: [number, number][]) =>
    [
      ...soundPicture([{ title: 'x', sound, hidden }])
        .toSvg()
        .matchAll(/<path d="([^"]+)" fill="#7d8590"/g),
    ].map(([, data]) => data.split('M').length - 1);
  assert.deepEqual(shades(), []);
  assert.deepEqual(shades([[0, 100]]), [1, 1], 'on the waveform and on the spectrogram');
  assert.deepEqual(
    shades([
      [200, 300],
      [0, 100],
      [100, 200],
      [7900, 99999],
      [-50, -10],
    ]),
    [2, 2],
  );
});

test('silence, one sample, NaN and a long recording are drawn', () => {
  const sounds: Sound[] = [
    { rate: 8000, channels: 1, samples: new Float32Array(800) },
    { rate: 8000, channels: 1, samples: Float32Array.of(0.5) },
    { rate: 8000, channels: 1, samples: new Float32Array(900).fill(Number.NaN, 300, 400) },
    { rate: 8000, channels: 1, samples: new Float32Array(900).fill(Number.NaN) },
    { rate: 8000, channels: 1, samples: Float32Array.of(0, 1, Number.POSITIVE_INFINITY, -1) },
    tone(200, 60000, 20),
  ];
  for (const sound of sounds) {
    const svg = soundPicture([{ title: 'sound', sound }]).toSvg();
    assert.doesNotMatch(svg, clean);
    assert.ok(svg.length < 2_000_000);
  }
  assert.throws(() => soundPicture([]), /at least one/);
  assert.throws(
    () => soundPicture([{ title: 'nothing', sound: { ...sounds[0], samples: new Float32Array(0) } }]),
    /"nothing" is empty/,
  );
});
