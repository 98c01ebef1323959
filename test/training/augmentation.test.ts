/** The section `augment` of a recipe: what it makes of a reader, and what it refuses. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { formatWav } from '../../src/data/audio/index.js';
import { kindOf, openData, plainReader, readExample } from '../../src/data/index.js';
import { storedExample } from '../../src/data/source.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';
import type { PartialRecipe } from '../../src/training/index.js';
import { recipeReader } from '../../src/training/recipeReader.js';
import { folderOf } from '../data/fixtures.js';
import { pictureFolder, tinyRecipe } from './tiny.js';

let pictures: string;
let sounds: string;
before(async () => {
  pictures = await pictureFolder();
  const samples = normal(keyFrom(1), 8000).map((x) => 0.2 * x);
  sounds = await folderOf({ 'a/1.wav': formatWav({ rate: 8000, channels: 1, samples }) });
});

const readerFor = async (path: string, partial: PartialRecipe) =>
  recipeReader(tinyRecipe(path, partial), await openData(path));

test('without augmentation a reader has none, and a plain one never has', async () => {
  const reader = await readerFor(pictures, {});
  assert.ok(reader.kind === 'image' && reader.augment === undefined);
  const augment = { randAugment: 9, colorJitter: 0.4, grayscale: 0.2, erase: 0.25, eraseFill: 'mean' } as const;
  const asked = await readerFor(pictures, { augment });
  assert.ok(asked.kind === 'image');
  assert.deepEqual(asked.augment, {
    randAugment: { magnitude: 9, layers: 2 },
    colorJitter: [0.4, 0.4, 0.4, 0],
    grayscale: 0.2,
    erase: { probability: 0.25, fill: 'mean' },
  });
  kindOf(asked).check(asked);
  assert.ok(!('augment' in plainReader(asked)));
});

test('SpecAugment hides stripes of log-mel frames after they were normalised, by the key', async () => {
  const audio = { rate: 8000, samples: 8000, melBins: 20 };
  const augment = { timeMask: 30, frequencyMask: 6 };
  const reader = await readerFor(sounds, { audio, augment });
  kindOf(reader).check(reader);
  const { source } = await openData(sounds);
  const stored = await storedExample(source, 0, 'audio');
  const plain = (await readExample(stored, plainReader(reader), keyFrom(0))).signals.audio;
  let hidden = 0;
  for (let i = 0; i < 10; i++) {
    const { audio: drawn } = (await readExample(stored, reader, fold(keyFrom(0), i))).signals;
    assert.deepEqual(drawn, (await readExample(stored, reader, fold(keyFrom(0), i))).signals.audio);
    assert.ok(drawn.every((x, at) => x === plain[at] || x === 0));
    hidden += drawn.filter((x) => x === 0).length / drawn.length;
  }
  // Two stripes of each sort: half of their most wide on average.
  assert.ok(hidden / 10 > 0.2 && hidden / 10 < 0.7, `${hidden / 10}`);
});

test('what has no meaning for a kind of signal is refused in a sentence that names it', async () => {
  const cases: [string, PartialRecipe, RegExp][] = [
    [sounds, { augment: { randAugment: 9 } }, /^augment\.randAugment is not for sounds, .*: set it to 0\.$/],
    [sounds, { augment: { cutmix: 1 } }, /^augment\.cutmix is not for sounds/],
    [sounds, { augment: { timeMask: 10 } }, /^augment\.timeMask hides log-mel frames: .* --audio\.melBins 64\.$/],
    [pictures, { augment: { frequencyMask: 10 } }, /^augment\.frequencyMask is not for images/],
  ];
  for (const [path, partial, message] of cases)
    await assert.rejects(readerFor(path, partial), (error: Error) => message.test(error.message));
});
