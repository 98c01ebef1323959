import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);

async function example(name: string, ...args: string[]): Promise<{ stdout: string; cwd: string }> {
  const cwd = await mkdtemp(join(tmpdir(), 'hip-example-'));
  const { stdout } = await run(process.execPath, [join(root, 'dist/examples', name), ...args], { cwd });
  return { stdout, cwd };
}

test('the ten lines of the README run and print a loss and a gradient', async () => {
  const { stdout } = await example('autodiff.js');
  const [, loss] = /\[ ([\d.]+) \]/.exec(stdout)!;
  assert.ok(Math.abs(Number(loss) - Math.log(3)) < 0.1, stdout);
});

test('the README shows the example as it runs', async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const source = await readFile(join(root, 'examples/autodiff.ts'), 'utf8');
  for (const line of ['const loss = x.matmul(w).softmax().log().mean().neg();', 'const [dw] = gradients(loss, [w]);']) {
    assert.ok(readme.includes(line) && source.includes(line), line);
  }
});

test('the pre-training example trains, draws and reports', async () => {
  const { stdout, cwd } = await example('pretrain.js', join(root, 'assets/fashion-mnist'), '3');
  assert.match(stdout, /^loss [\d.]+ after \d+ s; locality 0\.\d\d \(chance 0\.03\)/m);
  assert.ok(existsSync(join(cwd, 'runs/example-positions.png')));
  const source = await readFile(join(root, 'examples/pretrain.ts'), 'utf8');
  assert.ok(source.split('\n').length <= 40);
});
