import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { verifyCases } from '../../src/verify/index.js';

const root = join(import.meta.dirname, '..', '..', '..');

for (const folder of [join(root, 'test', 'golden', 'beit'), join(root, '..', 'shared', 'golden', 'beit')]) {
  test('every case and table of BEiT passes', { skip: !existsSync(folder) }, async () => {
    const paths = (await readdir(folder)).map((name) => join(folder, name));
    const verdicts = await verifyCases(paths, { device: 'cpu' });
    assert.ok(verdicts.length >= 6);
    assert.deepEqual(
      verdicts.filter(({ ok }) => !ok).map(({ line }) => line),
      [],
    );
  });
}
