/** The table of pictures by kind of signal: it covers every kind, and what it gives can be drawn, heard and watched. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { decodeWav } from '../../src/data/audio/index.js';
import { elementOrder, type KindName, kindOf, kinds, type Reader } from '../../src/data/index.js';
import { keyFrom, normal, uniform } from '../../src/random/index.js';
import type { Figure } from '../../src/visualize/index.js';
import { inPlace, picturesOf, type ReconstructedExample } from '../../src/visualize/signals/index.js';

const folder = mkdtempSync(join(tmpdir(), 'hip-modalities-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const picture = {
  imageSize: [6, 8] as [number, number],
  crop: 'center',
  flip: false,
  mean: [0.5],
  std: [0.25],
} as const;
const readers: { [K in KindName]: Extract<Reader, { kind: K }> } = {
  image: { kind: 'image', channels: 3, ...picture },
  segmentation: { kind: 'segmentation', channels: 3, ignore: [], ...picture },
  bands: { kind: 'bands', bands: 5, ...picture },
  audio: { kind: 'audio', rate: 800, samples: 400, channels: 2, mean: [0.1], std: [0.5] },
  video: {
    kind: 'video',
    frames: 5,
    frameRate: 4,
    start: 'center',
    ...picture,
    sound: { rate: 800, channels: 1, mean: [0], std: [1] },
  },
  points: { kind: 'points', points: 40, channels: 4 },
};

/** Noise, of which the last third is padding, and the middle is hidden. */
function exampleOf(elements: number, channels: number, seed: number, length: number): ReconstructedExample {
  return {
    values: normal(keyFrom(seed), elements * channels),
    predicted: normal(keyFrom(seed + 1), elements * channels),
    mask: Float32Array.from({ length: elements }, (_, i) => Number(i > elements / 4 && i < elements / 2)),
    length,
    caption: `number ${seed}`,
  };
}

function isSound(figure: Figure): void {
  assert.doesNotMatch(figure.toSvg().replace(/base64,[^"]*/g, ''), /="[^"]*(NaN|Infinity|undefined)/);
}

for (const kind of Object.keys(kinds) as KindName[])
  test(`${kindOf({ kind }).noun}s have pictures of every signal that their reader makes`, async () => {
    const reader = readers[kind];
    const all = picturesOf(reader);
    assert.deepEqual(
      all.map(({ modality }) => modality.name),
      kindOf(reader)
        .shapes(reader)
        .map(({ name }) => name),
    );
    for (const { modality, pictures } of all) {
      const elements = modality.indexShape.reduce((a, b) => a * b, 1);
      const length = modality.indexShape.length === 1 ? Math.ceil((2 * elements) / 3) : elements;
      const examples = [1, 5].map((seed) => exampleOf(elements, modality.channels, seed, length));
      const thumbnails = pictures.thumbnails(modality, examples);
      assert.equal(thumbnails.length, 2);
      for (const { width, height, rgb } of thumbnails) {
        assert.deepEqual([width, height], [thumbnails[0].width, thumbnails[0].height]);
        assert.equal(rgb.length, width * height * 3);
      }
      const heading = { title: 'A title', subtitle: 'and more' };
      isSound(pictures.reconstructions(modality, examples, heading));
      const maps = [uniform(keyFrom(9), elements), new Float32Array(elements)];
      isSound(pictures.attention(modality, examples[0], { maps, captions: ['mean', 'nothing'] }, heading));
      const files =
        (await pictures.writeFiles?.(join(folder, `${kind}-${modality.name}`), modality, examples[0])) ?? [];
      assert.equal(files.length, { audio: 3, video: 1 }[modality.name] ?? 0);
      for (const file of files) assert.ok(existsSync(file));
    }
  });

test('written sounds hold what was seen, what was made of it, and the original, as long as what is real', async () => {
  const [{ modality, pictures }] = picturesOf(readers.audio);
  const example = exampleOf(400, 2, 3, 300);
  const files = await pictures.writeFiles!(join(folder, 'heard'), modality, example);
  const [visible, made, original] = files.map((file) => decodeWav(readFileSync(file)));
  assert.deepEqual(
    files.map((file) => file.replace(/.*heard-/, '')),
    ['visible.wav', 'reconstruction.wav', 'original.wav'],
  );
  assert.deepEqual([original.rate, original.channels, original.samples.length], [800, 2, 600]);
  const clipped = (x: number) => Math.min(1, Math.max(-1, x));
  for (let i = 0; i < 600; i++) {
    const hidden = example.mask[i >> 1] > 0;
    const truth = clipped(example.values[i] * 0.5 + 0.1);
    assert.ok(Math.abs(original.samples[i] - truth) < 1e-4);
    assert.ok(Math.abs(visible.samples[i] - (hidden ? 0 : truth)) < 1e-4);
    assert.ok(Math.abs(made.samples[i] - (hidden ? clipped(example.predicted[i] * 0.5 + 0.1) : truth)) < 1e-4);
  }
});

test('elements that a reader shuffles are shown where they came from', () => {
  const order = elementOrder(11, 6);
  const plain = Float32Array.from({ length: 12 }, (_, i) => i);
  const shuffled = Float32Array.from([...order].flatMap((from) => [2 * from, 2 * from + 1]));
  assert.deepEqual(inPlace({ permutation: 11 }, shuffled, 2), plain);
  assert.equal(inPlace({}, plain, 2), plain);
});
