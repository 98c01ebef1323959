/** Ours → their names → ours, and theirs → ours → theirs: nothing is lost, to the bit. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openForeignWeights, readSafetensors } from '../../src/checkpoint/index.js';
import { systems } from '../../src/models/index.js';
import { initialize, Scope } from '../../src/nn/index.js';
import { keyFrom } from '../../src/random/index.js';
import { describeVariant, exportWeights, importModel, recognise, segment } from '../../src/tasks/index.js';
import { modelInputs } from '../../src/training/description.js';
import { publishedCases, publishedFolder } from './goldenFolders.js';

const cases = publishedCases(['vit', 'mlp_mixer', 'mae', 'beit', 'satmae', 'fastmim', 'perceiver']).filter(
  ({ name }) => !/dalle|masked_lm|multimodal|optical_flow|^hog_|fourier_features|learned_conv1x1/.test(name),
);

/** Buffers that follow from sizes, and that our models do not keep. */
const BUFFERS = /relative_position_index|attn_mask|num_batches_tracked/;

for (const golden of cases) {
  test(`${golden.system}/${golden.name} there and back is equal to the bit`, async () => {
    const path = publishedFolder(golden);
    const weights = await openForeignWeights(path);
    const { description, parameters } = await importModel(path, weights);
    const source = recognise(weights)?.published.name;
    const { published = [] } = systems[description.system];
    let written = 0;
    for (const { name } of published) {
      const out = join(mkdtempSync(join(tmpdir(), 'hip-export-')), name);
      try {
        await exportWeights({ path, description, parameters }, name, out);
      } catch (error) {
        // Hugging Face's class has no place for a timm model's norm after the mean, and the like.
        assert.match(
          (error as Error).message,
          /has no name in the layout|is no model that .* can be|for which .* has no place/,
        );
        continue;
      }
      written++;
      const back = await importModel(out, await openForeignWeights(out));
      assert.deepEqual(back.parameters, parameters, name);
      assert.deepEqual(back.description, description, name);
      const theirs = (await readSafetensors(join(out, 'model.safetensors'))).tensors;
      const before = (await readSafetensors(join(path, 'model.safetensors'))).tensors;
      if (name === source)
        for (const [tensor, { shape, data }] of before) {
          if (BUFFERS.test(tensor)) continue;
          assert.deepEqual(theirs.get(tensor)?.shape, shape, tensor);
          assert.deepEqual(theirs.get(tensor)?.data, data, tensor);
        }
      // What their own programs read is enough for us too.
      const config = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'));
      const { hiperceiver: _, ...rest } = config;
      if (Object.keys(rest).length === 0) continue;
      const foreign = await openForeignWeights(out);
      const again = await importModel(out, { ...foreign, config: rest });
      assert.deepEqual(again.parameters, parameters, `${name} without our description`);
    }
    assert.ok(written > 0);
  });
}

test('a class for every pixel is given away only where the other program has one', async () => {
  const modalities = [{ name: 'image', indexShape: [16, 16], channels: 3 }];
  const description = {
    ...describeVariant('vit', 'tiny', modalities),
    modalities,
    classes: ['sky', 'road'],
    task: 'segmentation' as const,
  };
  const scope = Scope.root();
  segment(description, scope, modelInputs(description, 1));
  const parameters = initialize(scope.needs.parameters, keyFrom(1));
  await assert.rejects(
    exportWeights({ path: 'run', description, parameters }, 'timm', 'unused'),
    /run names a class for every pixel, for which timm's VisionTransformer has no place/,
  );
});
