/** Published checkpoints become models of ours that answer as the references do. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openForeignWeights, readSafetensors, toFloat32 } from '../../src/checkpoint/index.js';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { Graph, input } from '../../src/graph/index.js';
import { systemByName } from '../../src/models/index.js';
import { fromMap, PARAMETER, resizedLinearly, Scope } from '../../src/nn/index.js';
import { importModel } from '../../src/tasks/index.js';
import { modelInputs } from '../../src/training/index.js';
import { type PublishedCase, publishedCases, publishedFolder } from './goldenFolders.js';

const SYSTEMS = ['vit', 'mlp_mixer', 'mae', 'beit', 'satmae', 'fastmim', 'perceiver'];

/** What commands have no inputs for, or what is no model. */
const ELSEWHERE = /dalle|masked_lm|multimodal|optical_flow|relpos_table|^hog_|fourier_features/;

let engine: Engine;
before(async () => {
  engine = await createEngine({ device: 'cpu' });
});
after(() => engine.dispose());

/** The case's images as the model takes them, `[B, I, C]`, and its timestamps. */
async function inputsOf({ folder, name }: PublishedCase) {
  const { tensors } = await readSafetensors(`${folder}/io.safetensors`);
  const key = ['input.images', 'input.inputs', 'input.data', 'input.image'].find((k) => tensors.has(k))!;
  const images = tensors.get(key)!;
  const values = toFloat32(images);
  const isLast = !name.startsWith('hf_') && images.shape.at(-1) === 3;
  const [batch, ...rest] = images.shape;
  const [height, width, channels] = isLast ? rest.slice(-3) : [rest.at(-2)!, rest.at(-1)!, rest.at(-3)!];
  const pixels = height * width;
  const frames = values.length / (pixels * channels);
  const out = new Float32Array(values.length);
  for (let f = 0; f < frames; f++)
    for (let p = 0; p < pixels; p++)
      for (let c = 0; c < channels; c++)
        out[(f * pixels + p) * channels + c] =
          values[isLast ? (f * pixels + p) * channels + c : (f * channels + c) * pixels + p];
  const expected = (output: string) => {
    const t = tensors.get(`output.${output}`);
    return t && toFloat32(t);
  };
  const stamps = tensors.get('input.timestamps');
  return { batch, height, width, channels, images: out, stamps: stamps && toFloat32(stamps), expected };
}

const cases = publishedCases(SYSTEMS).filter(({ name }) => !ELSEWHERE.test(name));

for (const golden of cases) {
  test(`${golden.system}/${golden.name} is recognised, whole, and answers as its reference`, async () => {
    const path = publishedFolder(golden);
    const given = await inputsOf(golden);
    const weights = await openForeignWeights(path);
    // A table of positions for no square does not tell which rectangle it is for.
    const hint = /learned_conv1x1/.test(golden.name)
      ? [{ name: 'image', indexShape: [given.height, given.width], channels: given.channels }]
      : undefined;
    const native = await importModel(path, weights, { modalities: hint });
    assert.equal(
      native.description.system,
      golden.system === 'mae' && golden.name.startsWith('finetune') ? 'vit' : golden.system,
    );
    assert.deepEqual(
      native.remarks.filter((remark) => /begun anew|not used/.test(remark)),
      [],
    );

    const [first] = native.description.modalities;
    const isTimes = first.indexShape.length === 3;
    const size = [...first.indexShape.slice(0, -2), given.height, given.width];
    const dated = given.stamps ? [{ name: 'times', indexShape: [3], channels: 3 }] : [];
    const modalities = [{ ...first, indexShape: size, channels: isTimes ? 3 : given.channels }, ...dated];
    const { description, parameters } = await importModel(path, weights, { modalities });
    const system = systemByName(description.system);
    const { config, classes } = description;
    const inputs = modelInputs({ modalities }, given.batch);
    const feeds = { [first.name]: given.images, ...(given.stamps && { times: given.stamps }) };

    const scope = Scope.root();
    const logits = given.expected('logits');
    if (!classes || !logits) return;
    const isDense = description.task === 'segmentation';
    const head = isDense ? system.segment! : system.classify!;
    const got = head(scope, config, modalities, inputs, classes.length).logits;
    // The reference leaves segmentation at a quarter of a patch.
    const side = Math.sqrt(logits.length / given.batch / classes.length);
    const map = input('map', [given.batch, classes.length, side, side]);
    const wanted = isDense ? fromMap(resizedLinearly(map, [given.height, given.width])) : input('wanted', got.shape);
    const difference = got.sub(wanted).abs().div(wanted.abs().add(1)).max();
    const program = await engine.compile(Graph.of({ difference }));
    const fed = Object.fromEntries(
      [...scope.needs.parameters.keys()].map((name) => [PARAMETER + name, parameters.get(name)!]),
    );
    const result = await program.run({ ...feeds, ...fed, [isDense ? 'map' : 'wanted']: logits });
    assert.ok(result.difference[0] < 2e-4, `off by ${result.difference[0]}`);
    await program.dispose();
  });
}
