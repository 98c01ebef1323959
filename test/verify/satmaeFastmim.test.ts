/** SatMAE and FastMIM against their references; all cases where the whole set is at hand. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { verifyCase, verifyTable } from '../../src/verify/index.js';

const root = join(import.meta.dirname, '..', '..', '..');
const places = [join(root, 'test', 'golden'), join(root, '..', 'shared', 'golden')];

let engine: Engine;
before(async () => {
  engine = await createEngine({ device: 'cpu' });
});
after(() => engine.dispose());

for (const system of ['satmae', 'fastmim']) {
  test(`${system}: every named size has the reference's number of parameters`, async () => {
    const { ok, line } = await verifyTable(join(places[0], system, 'counts.json'));
    assert.ok(ok, line);
  });

  for (const place of places) {
    const folder = join(place, system);
    const skip = existsSync(folder) ? false : 'the golden cases are not at hand';
    test(`${system}: outputs, losses and gradients are the reference's (${place})`, { skip }, async () => {
      const cases = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
      assert.ok(cases.length > 0);
      for (const { name } of cases) {
        const { ok, line } = await verifyCase(join(folder, name), { engine });
        assert.ok(ok, line);
      }
    });
  }
}
