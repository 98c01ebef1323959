/**
 * `npm test`: installs and builds what is missing, then runs every test under test/ with Node's runner.
 * Words after `--` keep only the test files whose path contains one of them: `npm test -- graph engine`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBuilt, ensureInstalled, root } from './build.mjs';

ensureInstalled();
ensureBuilt(['src', 'test', 'recipes', 'examples', 'bench', 'scripts', 'tsconfig.json', 'package.json']);

const folder = fileURLToPath(root);
const words = process.argv.slice(2);
// Listed from the sources, so that the output of a removed test is never run.
const files = readdirSync(join(folder, 'test'), { recursive: true })
  .filter((name) => name.endsWith('.test.ts'))
  .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
  .sort()
  .map((name) => join('dist', 'test', name.replace(/\.ts$/, '.js')));
if (files.length === 0) {
  console.error(`error: no test file matches ${words.join(', ')}.`);
  process.exit(1);
}

const browsers = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const onPath = (name) => (process.env.PATH ?? '').split(delimiter).some((at) => existsSync(join(at, name)));
if (!browsers.some(onPath)) {
  console.error('Skipping the browser tests: Chromium is not installed (Debian: apt-get install chromium).');
}
if (!existsSync(join(folder, '../shared'))) {
  console.error('Skipping the reference cases: there is no ../shared folder beside this one.');
}

// Two test files at a time: the engine's own threads use the remaining cores.
const { status, signal } = spawnSync(process.execPath, ['--test', '--test-concurrency=2', ...files], {
  cwd: folder,
  stdio: 'inherit',
  // Tests fill no cache of the user's.
  env: { ...process.env, HIP_CACHE: process.env.HIP_CACHE ?? join(folder, 'dist/test/cache') },
});
process.exit(signal ? 130 : (status ?? 1));
