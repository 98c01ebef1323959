/** Experiments small enough that a step takes milliseconds, with every random part of training switched on. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { Batch } from '../../src/data/index.js';
import { keyFrom, normal } from '../../src/random/index.js';
import type { ModelDescription, PartialRecipe, Recipe } from '../../src/training/index.js';
import { describeModel, resolveRecipe } from '../../src/training/index.js';
import { folderOf, picture } from '../data/fixtures.js';
import { smallHip } from '../smallHip.js';

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A path that does not exist yet, in a new folder that goes when the tests end. */
export function newRun(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hip-training-'));
  folders.push(folder);
  return join(folder, 'run');
}

/** A model of images of 8 x 8 x 3, without anything random in it. */
export const tinyModel: PartialRecipe['model'] = { name: 'hip', variant: 'tiny', config: smallHip };

/** The same with every random part that HiP has. */
export const randomModel: PartialRecipe['model'] = {
  ...tinyModel,
  config: { ...smallHip, processorIndexDimTrain: 4, dropoutProb: 0.1, dropPathRate: 0.2 },
};

/** A folder of 10 pictures, larger than the model's images. */
export async function pictureFolder(): Promise<string> {
  const files: Record<string, Buffer> = {};
  for (let i = 0; i < 10; i++) files[`${i % 2}/${i}.png`] = await picture(i, 10 + (i % 3), 12);
  return folderOf(files);
}

/** A recipe on pictures of a folder; sections of `partial` are laid over it. */
export function tinyRecipe(path: string, partial: PartialRecipe = {}): Recipe {
  return resolveRecipe({
    name: 'tiny',
    data: {
      path,
      imageSize: 8,
      channels: 3,
      mean: [0.5, 0.5, 0.5],
      std: [0.25, 0.25, 0.25],
      workers: 0,
      ...partial.data,
    },
    model: { ...tinyModel, ...partial.model },
    masking: { ratio: 0.5, perExample: true, ...partial.masking },
    finetune: partial.finetune,
    augment: partial.augment,
    audio: partial.audio,
    task: partial.task,
    optimizer: { learningRate: 3e-3, warmupSteps: 2, ...partial.optimizer },
    training: { steps: 6, batchSize: 2, checkpointEvery: 0, logEvery: 1, threads: 1, ...partial.training },
  });
}

/** The description of a recipe's model for images of 8 x 8 x 3. */
export function tinyDescription(recipe: Recipe): ModelDescription {
  return describeModel(recipe, [{ name: 'image', indexShape: [8, 8], channels: 3 }], {
    kind: 'image',
    imageSize: [8, 8],
    channels: 3,
    crop: 'center',
    flip: false,
    mean: [0],
    std: [1],
  });
}

/** A batch of noise, `[size, 64, 3]`. */
export function noiseBatch(size: number, seed: number, labels?: number[]): Batch {
  const image = normal(keyFrom(seed), size * 64 * 3);
  return {
    size,
    ids: Int32Array.from({ length: size }, (_, i) => i),
    signals: { image },
    labels: labels && Int32Array.from(labels),
  };
}

/** Digests of the bytes of a checkpoint's tensors and of its trainer's state. */
export function checkpointDigests(folder: string): Record<string, string> {
  const files = ['model.safetensors', 'optimizer.safetensors', 'ema.safetensors', 'trainer.json'];
  return Object.fromEntries(
    files.map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex'),
    ]),
  );
}
