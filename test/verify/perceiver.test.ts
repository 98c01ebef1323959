/** The Perceiver against its references' own numbers. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readSafetensors, writeSafetensors } from '../../src/checkpoint/index.js';
import { verifyCase, verifyCases } from '../../src/verify/index.js';

const root = join(import.meta.dirname, '..', '..', '..');
const golden = join(root, 'test', 'golden', 'perceiver');
const shared = join(root, '..', 'shared', 'golden', 'perceiver');
const folder = await mkdtemp(join(tmpdir(), 'perceiver-'));
after(() => rm(folder, { recursive: true }));

test('every case and every count is equal to the reference', async () => {
  const from = existsSync(shared) ? shared : golden;
  const verdicts = await verifyCases(
    readdirSync(from).map((name) => join(from, name)),
    { device: 'cpu' },
  );
  assert.deepEqual(
    verdicts.filter(({ ok }) => !ok).map(({ line }) => line),
    [],
  );
  assert.ok(verdicts.length >= 4);
});

test('weights that lack a tensor, or have one too many, are told by name', async () => {
  const copy = join(folder, 'changed');
  await cp(join(golden, 'dm_classifier_conv_batchnorm'), copy, { recursive: true });
  const { tensors } = await readSafetensors(join(copy, 'weights.safetensors'));
  const latents = 'perceiver_encoder/~/trainable_position_encoding/pos_embs';
  const kept = tensors.get(latents)!;
  tensors.delete(latents);
  await writeSafetensors(join(copy, 'weights.safetensors'), tensors);
  assert.match((await verifyCase(copy, { device: 'reference' })).line, new RegExp(`lack ${latents}`));
  tensors.set(latents, kept);
  tensors.set('perceiver_encoder/~/extra', kept);
  await writeSafetensors(join(copy, 'weights.safetensors'), tensors);
  assert.match((await verifyCase(copy, { device: 'reference' })).line, /no place for perceiver_encoder\/~\/extra/);
});
