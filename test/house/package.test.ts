import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

interface Locked {
  optionalDependencies?: Record<string, string>;
}

test('the lock file lists the packages of every platform, so that npm ci works on each', () => {
  const lock = JSON.parse(readFileSync(new URL('../../../package-lock.json', import.meta.url), 'utf8'));
  const packages: Record<string, Locked> = lock.packages;
  const missing = Object.values(packages)
    .flatMap(({ optionalDependencies }) => Object.keys(optionalDependencies ?? {}))
    .filter((name) => !(`node_modules/${name}` in packages));
  assert.deepEqual(missing, []);
});
