/** How the classes of an example are read from the processor's latents. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from '../../src/engine/index.js';
import { Graph, input } from '../../src/graph/index.js';
import { initialize, PARAMETER, Scope } from '../../src/nn/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';
import { checkHead, type ReadHead, readLatents } from '../../src/tasks/heads.js';
import { fromConfig } from '../../src/training/description.js';
import { tinyDescription, tinyRecipe } from '../training/tiny.js';

const [BATCH, LATENTS, CHANNELS, CLASSES] = [2, 3, 4, 5];

/** Logits of a head with random parameters, and those parameters by short name. */
function read(head: ReadHead, latents: Float32Array): { logits: number[]; of: (name: string) => Float32Array } {
  const scope = Scope.root();
  const shape = [BATCH, 1, LATENTS, CHANNELS];
  const logits = readLatents(scope.child('classifier'), head, input('latents', shape), CLASSES);
  assert.deepEqual(logits.shape, [BATCH, CLASSES]);
  const parameters = initialize(scope.needs.parameters, keyFrom(3));
  for (const [name, values] of parameters) {
    assert.ok(name.startsWith('classifier/'), `${name} is trained where the encoder is frozen`);
    values.set(normal(fold(keyFrom(4), name), values.length).map((x) => 0.5 * x));
  }
  const feeds = Object.fromEntries([...parameters].map(([name, values]) => [PARAMETER + name, values]));
  const found = evaluate(Graph.of({ logits }), { latents, ...feeds }).get('logits')!;
  return { logits: Array.from(found, Number), of: (name) => parameters.get(`classifier/${name}`)! };
}

const latents = normal(keyFrom(1), BATCH * LATENTS * CHANNELS);
const at = (b: number, n: number, c: number) => latents[(b * LATENTS + n) * CHANNELS + c];

/** x w + b by hand. */
function byHand(features: number[][], w: Float32Array, b: Float32Array): number[] {
  return features.flatMap((row) =>
    Array.from({ length: CLASSES }, (_, k) => row.reduce((sum, x, i) => sum + x * w[i * CLASSES + k], b[k])),
  );
}

function near(got: number[], wanted: number[]): void {
  assert.equal(got.length, wanted.length);
  got.forEach((x, i) => assert.ok(Math.abs(x - wanted[i]) < 1e-4, `${x} instead of ${wanted[i]}`));
}

test('mean: a linear on the mean of the latents', () => {
  const { logits, of } = read('mean', latents);
  const means = [0, 1].map((b) =>
    Array.from({ length: CHANNELS }, (_, c) => (at(b, 0, c) + at(b, 1, c) + at(b, 2, c)) / LATENTS),
  );
  near(logits, byHand(means, of('linear/w'), of('linear/b')));
});

test('latents: a linear on all of them side by side, each normalised', () => {
  const { logits, of } = read('latents', latents);
  const [scale, offset] = [of('layer_norm/scale'), of('layer_norm/offset')];
  const features = [0, 1].map((b) =>
    Array.from({ length: LATENTS }, (_, n) => {
      const row = Array.from({ length: CHANNELS }, (_, c) => at(b, n, c));
      const mean = row.reduce((x, y) => x + y) / CHANNELS;
      const deviation = Math.sqrt(row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / CHANNELS + 1e-5);
      return row.map((x, c) => ((x - mean) / deviation) * scale[c] + offset[c]);
    }).flat(),
  );
  near(logits, byHand(features, of('linear/w'), of('linear/b')));
});

test('attention: the order of the latents does not matter, all of them do', () => {
  const { logits, of } = read('attention', latents);
  assert.deepEqual(of('query/pos_embs').length, CHANNELS);
  const turned = Float32Array.from(latents, (_, i) => {
    const [b, n, c] = [Math.floor(i / 12), Math.floor(i / 4) % 3, i % 4];
    return at(b, (n + 1) % 3, c);
  });
  near(read('attention', turned).logits, logits);
  for (let n = 0; n < LATENTS; n++) {
    const changed = latents.slice();
    changed[n * CHANNELS] += 1;
    const other = read('attention', changed).logits;
    assert.ok(other.slice(0, CLASSES).some((x, k) => Math.abs(x - logits[k]) > 1e-3));
    near(other.slice(CLASSES), logits.slice(CLASSES));
  }
});

test('"latents" is refused where training sees fewer of them', () => {
  assert.throws(() => checkHead('latents', { processorIndexDimTrain: 4 }), /choose --finetune.head attention/);
  checkHead('latents', {});
  checkHead('attention', { processorIndexDimTrain: 4 });
});

test('a checkpoint from before heads had names reads the mean', () => {
  const { head, task } = fromConfig(
    { model_type: 'hiperceiver', ...tinyDescription(tinyRecipe('')), classes: ['a', 'b'] },
    'old',
  );
  assert.deepEqual([head, task], ['mean', 'classification']);
});
