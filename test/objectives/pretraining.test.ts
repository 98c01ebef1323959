/** Every system's own objective: what it hides is what its loss counts, gradients pass, and its answers are in the inputs' space. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { Graph, gradients, type Values } from '../../src/graph/index.js';
import { configOf, indexDim, type Modality, systemByName } from '../../src/models/index.js';
import { initialize, PARAMETER, Scope } from '../../src/nn/index.js';
import { canPretrain, type Pretraining, type PretrainingOptions, pretrainingOf } from '../../src/objectives/index.js';
import { fold, keyFrom, uniform } from '../../src/random/index.js';
import { modelInputs } from '../../src/training/description.js';

const key = keyFrom(7);
const BATCH = 3;
const image: Modality = { name: 'image', indexShape: [16, 16], channels: 3 };
const options: PretrainingOptions = {
  scheme: 'group',
  ratio: 0.75,
  input: 'drop',
  perExample: true,
  reconstruct: 'all',
  normalizeTargets: false,
};
const stack = { width: 24, depth: 1, heads: 2, mlpWidth: 32 };
const dvae = { hidden: 8, blocksPerGroup: 1, groups: 3, vocabulary: 12, decoderInputs: 8 };

interface Case {
  system: string;
  variant: string;
  config: Record<string, unknown>;
  modality?: Modality;
  options?: Partial<PretrainingOptions>;
  /** Whether the loss is the mean squared error of what is filled in over what is hidden. */
  isSquaredError?: boolean;
}

const bands: Modality = { name: 'bands', indexShape: [16, 16], channels: 5 };
const fastMim = {
  encoder: { kind: 'vit', vit: { ...(systemByName('fastmim').variants.tiny.encoder.vit as object), ...stack } },
};

const cases: Case[] = [
  { system: 'mae', variant: 'tiny', config: { ...stack, decoder: stack }, isSquaredError: true },
  {
    system: 'satmae',
    variant: 'bands-tiny',
    // Band 4 is read by no group.
    config: {
      ...stack,
      patch: [4, 4],
      partWidth: 8,
      parts: {
        kind: 'groups',
        groups: [
          [2, 0],
          [1, 3],
        ],
      },
      decoder: { ...stack, partWidth: 8 },
    },
    modality: bands,
  },
  {
    system: 'satmae',
    variant: 'times-tiny',
    config: { ...stack, patch: [4, 4], partWidth: 12, decoder: { ...stack, partWidth: 12 } },
    modality: { name: 'video', indexShape: [2, 16, 16], channels: 3 },
    options: { scheme: 'uniform' },
    isSquaredError: true,
  },
  { system: 'fastmim', variant: 'tiny', config: { ...fastMim, target: 'pixels' }, isSquaredError: true },
  { system: 'fastmim', variant: 'tiny', config: fastMim },
  {
    system: 'beit',
    variant: 'tiny',
    config: { ...stack, patch: [4, 4], vocabulary: dvae.vocabulary, tokenizer: dvae },
    options: { scheme: 'blocks', ratio: 0.4 },
  },
  { system: 'dvae', variant: 'tiny', config: { ...dvae, divergenceWeight: 0.1 } },
];

let engine: Engine;
before(async () => {
  engine = await createEngine({ device: 'cpu', threads: 1 });
});
after(() => engine.dispose());

interface Built {
  objective: Pretraining;
  scope: Scope;
  feeds: Record<string, Values>;
  signal: Float32Array;
  modality: Modality;
}

function build({ system, variant, config, modality = image, options: own }: Case): Built {
  const found = systemByName(system);
  const scope = Scope.root();
  const model = { system: found, config: configOf(found, variant, config), modalities: [modality] };
  const inputs = modelInputs(model, BATCH);
  const objective = pretrainingOf(system)(scope, model, inputs, { ...options, ...own });
  const signal = uniform(fold(key, 'signal'), BATCH * indexDim(modality) * modality.channels);
  return { objective, scope, signal, modality, feeds: { [modality.name]: signal } };
}

async function run(graph: Graph, all: Record<string, Values>): Promise<Record<string, Values>> {
  const program = await engine.compile(graph);
  try {
    return await program.run(Object.fromEntries([...graph.inputs.keys()].map((name) => [name, all[name]])));
  } finally {
    await program.dispose();
  }
}

function everything({ objective, scope, feeds }: Built): Record<string, Values> {
  const parameters = initialize(scope.needs.parameters, key);
  return {
    ...feeds,
    ...objective.feeds({ key, progress: 0.5 }),
    ...Object.fromEntries([...parameters].map(([name, values]) => [PARAMETER + name, values])),
  };
}

for (const one of cases) {
  const label = `${one.system}/${one.variant}${one.config.target ? ` of ${one.config.target}` : ''}`;

  test(`${label}: the loss is finite and its gradient reaches every trained parameter`, async () => {
    const built = build(one);
    const trained = [...built.scope.needs.parameters.values()].filter((p) => !p.frozen);
    const { loss } = built.objective;
    const all = everything(built);
    const grads = gradients(
      loss,
      trained.map((p) => built.scope.needs.tensors.get(p.name)!),
    );
    const found = await run(Graph.of({ loss, ...Object.fromEntries(trained.map((p, i) => [p.name, grads[i]])) }), all);
    assert(Number.isFinite(found.loss[0]));
    // What a softmax, or a norm behind, makes without effect: key biases, and what is not read from any token.
    const idle = trained.filter(({ name }) => found[name].every((g) => Math.abs(Number(g)) < 1e-12)).map((p) => p.name);
    assert.deepEqual(
      idle.filter((name) => !/key\/b$|class_token|layer_scale/.test(name)),
      [],
    );
  });

  test(`${label}: answers fill the signal, and hide what was fed as hidden`, async () => {
    const built = build(one);
    const { name, channels } = built.modality;
    const answer = built.objective.answers()[name];
    const all = everything(built);
    const found = await run(
      Graph.of({ loss: built.objective.loss, filled: answer.filled, ...(answer.wanted && { wanted: answer.wanted }) }),
      all,
    );
    const filled = found.filled as Float32Array;
    assert.equal(filled.length, built.signal.length);
    assert(filled.every(Number.isFinite));
    const hidden = answer.hidden(key);
    const share = hidden.reduce((a, b) => a + b, 0) / hidden.length;
    const ratio = one.system === 'dvae' ? 1 : ((one.options?.ratio ?? options.ratio) as number);
    assert(Math.abs(share - ratio) < 0.13, `${share} hidden`);
    if (!one.isSquaredError) return;
    let sum = 0;
    let count = 0;
    for (let i = 0; i < filled.length; i++) {
      const isHidden = hidden[Math.floor(i / channels)] > 0;
      if (!isHidden) continue;
      sum += (filled[i] - built.signal[i]) ** 2;
      count++;
    }
    assert(Math.abs(sum / count - found.loss[0]) < 1e-4 * found.loss[0], `${sum / count} and ${found.loss[0]}`);
  });
}

test('bands that no group reads stay as they are, and normalised targets come back in the inputs’ space', async () => {
  const one = { ...cases[1], options: { normalizeTargets: true } };
  const built = build(one);
  const found = await run(Graph.of({ filled: built.objective.answers().bands.filled }), everything(built));
  const filled = found.filled as Float32Array;
  for (let i = 4; i < filled.length; i += 5) assert(Math.abs(filled[i] - built.signal[i]) < 1e-6);
  const mean = filled.reduce((a, b) => a + b, 0) / filled.length;
  assert(mean > 0.2 && mean < 0.8, `signals of 0 to 1 have a mean of ${mean}`);
});

test('a mask of all examples is one mask, and the same key gives the same', () => {
  const { objective } = build({ ...cases[0], options: { perExample: false } });
  const feeds = objective.feeds({ key, progress: 0 });
  const kept = feeds['mask/kept'] as Int32Array;
  assert.deepEqual(
    [...kept.subarray(0, kept.length / BATCH)],
    [...kept.subarray(kept.length / BATCH, (2 * kept.length) / BATCH)],
  );
  assert.deepEqual(feeds, objective.feeds({ key, progress: 1 }));
  assert.notDeepEqual(feeds, objective.feeds({ key: fold(key, 1), progress: 0 }));
});

test('what makes no sense is refused in a sentence that names the way out', () => {
  assert.throws(() => pretrainingOf('vit'), /vit has no objective without labels: fine-tune it .* mae/);
  assert(!canPretrain('vit') && canPretrain('mae'));
  assert.throws(() => build({ ...cases[0], options: { scheme: 'blocks' } }), /masking.scheme to uniform/);
  assert.throws(
    () => build({ ...cases[5], config: { ...cases[5].config, tokenizer: undefined } }),
    /--model.tokenizer/,
  );
  assert.throws(
    () => build({ ...cases[5], config: { ...cases[5].config, tokenizer: { ...dvae, groups: 4 } } }),
    /--model.config.groups/,
  );
  assert.throws(() => build({ ...cases[0], options: { ratio: 0.99 } }), /leaves 0 of 16 tokens: lower it/);
  assert.throws(
    () => build({ system: 'hip', variant: 'tiny', config: {}, options: { scheme: 'blocks' } }),
    /hip has no grid of patches/,
  );
});
