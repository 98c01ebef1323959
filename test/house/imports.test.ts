import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { checkHouse, repositorySource } from '../../scripts/checkImports.js';

test('the source obeys the house: import direction, no cycles, short files, telling names', () => {
  assert.deepEqual(checkHouse(repositorySource), []);
});

/** The offences of a made-up source folder. */
function offencesOf(files: Record<string, string>): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'house-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return checkHouse(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Offences of one import statement in `file`. */
const offencesOfImport = (file: string, statement: string) => offencesOf({ [file]: `${statement}\n` });

test('a folder imports only from folders below it', () => {
  assert.deepEqual(offencesOfImport('models/hip.ts', "import { linear } from '../nn/linear.js';"), []);
  assert.deepEqual(offencesOfImport('graph/a.ts', "import { run } from '../engine/run.js';"), [
    'src/graph/a.ts:1: imports engine/run.ts, but engine/ stands above graph/',
  ]);
  assert.match(offencesOfImport('graph/a.ts', "import {\n  run,\n  stop,\n} from '../engine/run.js';")[0], /engine/);
  assert.match(offencesOfImport('graph/a.ts', "export type { Run } from '../engine/run.js';")[0], /engine/);
  assert.match(offencesOfImport('graph/a.ts', "const m = await import('../engine/run.js');")[0], /engine/);
  assert.match(
    offencesOfImport('graph/a.ts', "new Worker(new URL('../cli/w.js', import.meta.url));")[0],
    /command line/,
  );
  assert.deepEqual(offencesOfImport('graph/a.ts', " * import { run } from '../engine/run.js';"), []);
});

test('folders side by side import each other only where that is listed', () => {
  assert.deepEqual(offencesOfImport('tasks/a.ts', "import { x } from '../training/x.js';"), []);
  assert.match(offencesOfImport('training/a.ts', "import { x } from '../tasks/x.js';")[0], /side by side/);
  assert.match(offencesOfImport('nn/a.ts', "import { x } from '../optim/x.js';")[0], /side by side/);
  assert.match(offencesOfImport('optim/a.ts', "import { x } from '../nn/x.js';")[0], /side by side/);
});

test('data and checkpoints know plain typed arrays alone, and nothing imports the command line', () => {
  assert.deepEqual(offencesOfImport('data/a.ts', "import { x } from '../errors/index.js';"), []);
  assert.match(offencesOfImport('data/a.ts', "import { x } from '../graph/x.js';")[0], /plain typed arrays/);
  assert.match(offencesOfImport('checkpoint/a.ts', "import { x } from '../engine/x.js';")[0], /plain typed arrays/);
  assert.match(
    offencesOfImport('server/a.ts', "import { x } from '../cli/x.js';")[0],
    /nothing imports the command line/,
  );
  assert.match(offencesOfImport('graph/a.ts', "import { x } from '../index.js';")[0], /public entries/);
  assert.deepEqual(offencesOfImport('index.ts', "export * from './training/x.js';"), []);
});

test('cycles of files are shown once; imports of types alone make none', () => {
  const b = "import { a } from './a.js';\n";
  assert.deepEqual(offencesOf({ 'graph/a.ts': "import { b } from './b.js';\n", 'graph/b.ts': b }), [
    'src/graph/a.ts: import cycle graph/a.ts → graph/b.ts → graph/a.ts',
  ]);
  assert.deepEqual(offencesOf({ 'graph/a.ts': "import type { B } from './b.js';\n", 'graph/b.ts': b }), []);
});

test('long files, loose ends, vague names and unknown folders are named', () => {
  assert.match(offencesOf({ 'graph/a.ts': 'x;\n'.repeat(401) })[0], /graph\/a\.ts: 401 lines/);
  assert.deepEqual(offencesOf({ 'graph/a.ts': 'x;\n'.repeat(400) }), []);
  assert.match(offencesOf({ 'graph/a.ts': `x; // ${'TO' + 'DO'} later\n` })[0], /graph\/a\.ts:1/);
  assert.match(offencesOf({ 'graph/mathUtils.ts': 'x;\n' })[0], /"Utils"/);
  assert.match(offencesOf({ 'graph/helpers/a.ts': 'x;\n' })[0], /"helpers"/);
  assert.match(offencesOf({ 'extras/a.ts': 'x;\n' })[0], /extras\/ has no place/);
});
