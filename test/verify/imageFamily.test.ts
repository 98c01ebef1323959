/** Vision transformers, mixers and masked auto-encoders against their references; all cases where the whole set is at hand. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../../src/checkpoint/index.js';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { verifyCase, verifyTable } from '../../src/verify/index.js';

const root = join(import.meta.dirname, '..', '..', '..');
const own = join(root, 'test', 'golden');
const shared = join(root, '..', 'shared', 'golden');
const systems = ['vit', 'mlp_mixer', 'mae'];

let engine: Engine;
let folder: string;
before(async () => {
  engine = await createEngine({ device: 'cpu' });
  folder = await mkdtemp(join(tmpdir(), 'image-family-'));
});
after(async () => {
  await engine.dispose();
  await rm(folder, { recursive: true });
});

function casesOf(place: string, system: string): string[] {
  if (!existsSync(join(place, system))) return [];
  const entries = readdirSync(join(place, system), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(place, system, name));
}

for (const system of systems) {
  test(`${system}: every named size has the reference's number of parameters`, async () => {
    const { ok, line } = await verifyTable(join(own, system, 'counts.json'));
    assert.ok(ok, line);
  });

  test(`${system}: outputs, losses, gradients and steps are the reference's`, async () => {
    for (const path of [...casesOf(own, system), ...casesOf(shared, system)]) {
      const { ok, line } = await verifyCase(path, { engine });
      assert.ok(ok, line);
    }
  });
}

const complete = join(shared, 'vit', 'timm_prenorm_noqkvbias');
const skip = existsSync(complete) ? false : 'the golden cases are not at hand';

/** A copy under another name, with other weights or arguments. */
async function changed(
  name: string,
  change: (weights: Map<string, StoredTensor>, json: { config: Record<string, unknown> }) => void,
): Promise<string> {
  const copy = join(folder, name);
  await cp(complete, copy, { recursive: true });
  const { tensors } = await readSafetensors(join(copy, 'weights.safetensors'));
  const json = JSON.parse(await readFile(join(copy, 'case.json'), 'utf8'));
  change(tensors, json);
  await rm(join(copy, 'case.json'));
  await rm(join(copy, 'weights.safetensors'));
  await writeFile(join(copy, 'case.json'), JSON.stringify(json));
  await writeSafetensors(join(copy, 'weights.safetensors'), tensors);
  return copy;
}

test('nothing depends on what a case is called', { skip }, async () => {
  assert.ok((await verifyCase(await changed('anything', () => {}), { engine })).ok);
});

test('weights that are missing, too many, of another shape or wrong are seen', { skip }, async () => {
  const verdict = async (name: string, change: Parameters<typeof changed>[1]) => {
    const { ok, line } = await verifyCase(await changed(name, change), { engine });
    assert.ok(!ok, `${name} passed`);
    return line;
  };
  const missing = await verdict('missing', (weights) => weights.delete('blocks.0.norm1.weight'));
  assert.match(missing, /the weights lack blocks\.0\.norm1\.weight/);
  const extra = await verdict('extra', (weights) => weights.set('blocks.7.norm1.weight', weights.get('norm.weight')!));
  assert.match(extra, /no place for blocks\.7\.norm1\.weight/);
  const shape = await verdict('shape', (weights) => weights.set('head.weight', weights.get('norm.weight')!));
  assert.match(shape, /"head\.weight" has the shape \[32\]; the model needs \[5, 32\]/);
  const swapped = await verdict('swapped', (weights) => {
    const [a, b] = ['blocks.0.norm1.weight', 'blocks.1.norm1.weight'].map((name) => weights.get(name)!);
    weights.set('blocks.0.norm1.weight', b);
    weights.set('blocks.1.norm1.weight', a);
  });
  assert.match(swapped, /tensors differ/);
  const heads = await verdict('heads', (_, { config }) => {
    config.num_heads = 5;
  });
  assert.match(heads, /width 32 does not divide into 5 heads/);
  const patch = await verdict('patch', (_, { config }) => {
    config.patch_size = 12;
  });
  assert.match(patch, /32x32 do not divide into patches of 12x12/);
});
